"""curve - an SVG of a scaling run: replicas (steps), accepted mails a second and the p95 of a mail (lines) over the seconds."""

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 860, 360, 60, 40, 30


def scale(value, most, size):
    return size * value / most if most else 0


def points(pairs, xmost, ymost, step):
    inner_w, inner_h = WIDTH - 2 * LEFT, HEIGHT - BOTTOM - TOP
    out, last = [], None
    for x, y in pairs:
        px, py = LEFT + scale(x, xmost, inner_w), HEIGHT - BOTTOM - scale(y, ymost, inner_h)
        if step and last is not None:
            out.append(f"{px:.1f},{last:.1f}")
        out.append(f"{px:.1f},{py:.1f}")
        last = py
    return " ".join(out)


def text(x, y, words, anchor="middle", color="#333"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{color}">{words}</text>'


def axis_labels(xmost, replicas_most, mails_most, ms_most):
    base = HEIGHT - BOTTOM
    out = [text(LEFT + i * (WIDTH - 2 * LEFT) / 6, base + 18, f"{xmost * i / 6:.0f} s") for i in range(7)]
    out += [text(LEFT - 8, TOP + 4, f"{replicas_most:.0f}", "end", "#b4540a"), text(LEFT - 8, base, "0", "end", "#b4540a")]
    out += [text(WIDTH - LEFT + 8, TOP + 4, f"{mails_most:.0f}/s", "start", "#1f5fa8")]
    out += [text(WIDTH - LEFT + 8, TOP + 20, f"{ms_most:.0f} ms", "start", "#3a7d2c")]
    return out


def draw(title, rows):
    """rows: (seconds, replicas, mails a second, p95 ms)."""
    xmost = max((r[0] for r in rows), default=1)
    replicas_most = max((r[1] for r in rows), default=1)
    mails_most = max((r[2] for r in rows), default=1)
    ms_most = max((r[3] for r in rows), default=1)
    frame = f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - 2 * LEFT}" height="{HEIGHT - BOTTOM - TOP}" fill="none" stroke="#999"/>'
    lines = [
        f'<polyline fill="none" stroke="#b4540a" stroke-width="2" points="{points([(r[0], r[1]) for r in rows], xmost, replicas_most, True)}"/>',
        f'<polyline fill="none" stroke="#1f5fa8" stroke-width="1.5" points="{points([(r[0], r[2]) for r in rows], xmost, mails_most, False)}"/>',
        f'<polyline fill="none" stroke="#3a7d2c" stroke-width="1" points="{points([(r[0], r[3]) for r in rows], xmost, ms_most, False)}"/>',
    ]
    words = [text(WIDTH / 2, 18, f"{title}: replicas (brown), accepted mails a second (blue), p95 of a mail (green)")]
    body = "\n".join([frame, *lines, *words, *axis_labels(xmost, replicas_most, mails_most, ms_most)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
