/*
 * The dashboard: asks the API every two seconds and shows what it says.  All of
 * that may be a spammer's text, so it becomes text nodes and nothing else.
 */
"use strict";

const POLL_MS = 2000;
const TIMEOUT_MS = 10000;
const KEY = "honeyspam-token";
const byId = (id) => document.getElementById(id);

let token = "";
let before = null; // figures of the last poll, for rates

class Refused extends Error {}

async function ask(path) {
	const answer = await fetch(path, {
		headers: { Authorization: `Bearer ${token}` },
		signal: AbortSignal.timeout(TIMEOUT_MS),
	});
	if (answer.status === 401 || answer.status === 403)
		throw new Refused();
	if (!answer.ok)
		throw new Error(`${path}: ${answer.status}`);
	return answer;
}

const json = async (path) => (await ask(path)).json();

// ---- pieces ----

function element(name, text, className) {
	const e = document.createElement(name);
	if (text !== undefined && text !== null)
		e.textContent = text;
	if (className)
		e.className = className;
	return e;
}

// A cell is text, [text, class], or an element.
function cell(content) {
	if (content instanceof Element) {
		const td = element("td");
		td.append(content);
		return td;
	}
	const [text, className] = Array.isArray(content) ? content : [content, ""];
	const td = element("td", text ?? "", className);
	td.title = td.textContent;
	return td;
}

function fill(id, rows, nothing) {
	const table = byId(id);
	const lines = rows.map((cells) => {
		const tr = element("tr");
		tr.append(...cells.map(cell));
		return tr;
	});
	if (lines.length === 0) {
		const td = element("td", nothing, "empty");
		td.colSpan = table.tHead ? table.tHead.rows[0].cells.length : 3;
		const tr = element("tr");
		tr.append(td);
		lines.push(tr);
	}
	table.tBodies[0].replaceChildren(...lines);
}

const number = (n) => Number(n ?? 0).toLocaleString("en");

function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let i = 0;
	for (; n >= 1024 && i < units.length - 1; i++)
		n /= 1024;
	return `${i === 0 ? n : n.toFixed(1)} ${units[i]}`;
}

function clock(text) {
	const t = new Date(text);
	return Number.isNaN(t.getTime()) ? String(text ?? "") : t.toLocaleString("sv");
}

function endpoint(e) {
	if (!e || !e.ip)
		return "";
	return e.port === undefined ? e.ip : e.ip.includes(":") ? `[${e.ip}]:${e.port}` : `${e.ip}:${e.port}`;
}

// ---- what is shown ----

function showFigures(stats) {
	const now = performance.now();
	const seconds = before ? (now - before.at) / 1000 : 0;
	const rate = (name) => (seconds > 0 ? ` · ${((stats[name] - before.stats[name]) / seconds).toFixed(1)}/s` : "");
	const figures = [
		["mails kept", number(stats.messages), bytes(stats.message_bytes) + rate("messages")],
		["events", number(stats.events), `seen${rate("events")}`],
		["sources", number(stats.sources), "addresses that came"],
		["flows", number(stats.flows), `${bytes(stats.bytes_in)} in, ${bytes(stats.bytes_out)} out`],
		["replicas", number(stats.replicas), "alive"],
		["missed", number(stats.events_missed), "events discarded unread"],
	];
	byId("figures").replaceChildren(...figures.map(([name, value, more]) => {
		const div = element("div", null, "figure");
		div.append(element("span", name), element("b", value), element("span", more));
		return div;
	}));
	before = { at: now, stats };
}

function showActions(counts) {
	const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1]);
	const most = sorted.length > 0 ? sorted[0][1] : 1;
	fill("actions", sorted.map(([name, count]) => {
		const bar = element("div", null, "bar");
		bar.style.width = `${(100 * count) / most}%`;
		return [[name, "action"], bar, [number(count), "n"]];
	}), "Nothing has happened yet.");
}

async function download(message) {
	const blob = await (await ask(message.raw)).blob();
	const link = element("a");
	link.href = URL.createObjectURL(blob);
	link.download = `${message.id}.eml`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), TIMEOUT_MS);
}

function rawButton(message) {
	const button = element("button", "raw");
	button.type = "button";
	button.title = `The stored bytes, SHA-256 ${message.sha256}`;
	button.addEventListener("click", () => {
		download(message).catch(() => { button.textContent = "gone"; });
	});
	return button;
}

function showMessages(items) {
	fill("messages", items.map((m) => [
		clock(m.received), endpoint(m.source), m.envelope.mail_from === "" ? "<>" : m.envelope.mail_from,
		(m.envelope.rcpt_to ?? []).join(", "), m.subject, [bytes(m.size), "n"], m.queue_id, rawButton(m),
	]), "No mail yet.");
}

// One line about an event: the fields that say most, whichever it has.
function summary(e) {
	const h = e.honeyspam ?? {};
	const parts = [
		h.mail?.subject ?? h.mail?.id,
		h.proxy && `${h.proxy.protocol} ${h.proxy.asked} ${h.proxy.answer}`,
		h.smtp?.mails !== undefined && `${h.smtp.mails} mail${h.smtp.mails === 1 ? "" : "s"}`,
		e.http?.request?.method, e.url?.original ?? e.url?.path,
		h.auth && `${h.auth.mechanism ?? ""} ${h.auth.user ?? ""}`,
		h.probe && Object.entries(h.probe).map(([name, value]) => `${name} ${value}`).join(", "),
		h.overload && `${h.overload.what}: ${h.overload.lost} lost`,
		h.flow?.reason, h.flow?.look,
	];
	return parts.filter(Boolean).join(" · ");
}

function showEvents(items) {
	fill("events", items.map((e) => [
		clock(e["@timestamp"]), [e.event?.action, "action"], e.service?.name, endpoint(e.source), endpoint(e.destination),
		summary(e),
	]), "No event yet.");
}

function showReplicas(items) {
	fill("replicas", items.map((r) => [
		r.service, r.instance, r.address ?? "–", [r.capacity > 0 ? `${number(r.sessions)} / ${number(r.capacity)}` : "–", "n"],
		[`${(r.seen_ago_ms / 1000).toFixed(1)} s`, "n"], r.draining ? "draining" : "up",
	]), "No replica is heard: is NATS there?");
}

function showState(text, good) {
	byId("state").textContent = text;
	byId("state").className = `pill ${good ? "good" : "bad"}`;
}

function showBehind(behind) {
	if (behind.events === null)
		showState("NATS is away: figures may be old", false);
	else if (behind.events + behind.messages > 1000)
		showState(`catching up: ${number(behind.events + behind.messages)} to read`, false);
	else
		showState("live", true);
}

// ---- the loop ----

async function refresh() {
	const [stats, messages, events, replicas] = await Promise.all([
		json("/v1/stats"), json("/v1/messages?limit=20"), json("/v1/events?limit=30"), json("/v1/replicas?limit=200"),
	]);
	byId("board").hidden = false;
	byId("time").textContent = clock(stats.time);
	showFigures(stats);
	showActions(stats.events_by_action);
	showMessages(messages.items);
	showEvents(events.items);
	showReplicas(replicas.items);
	showBehind(stats.behind);
}

function askForToken(why) {
	token = "";
	sessionStorage.removeItem(KEY);
	if (why)
		byId("login-why").textContent = why;
	byId("login").hidden = false;
	byId("board").hidden = true;
	byId("forget").hidden = true;
	showState("no token", false);
}

async function turn() {
	try {
		if (token !== "" && !document.hidden)
			await refresh();
	} catch (error) {
		if (error instanceof Refused)
			askForToken("This token is not known here. Give the one that may read.");
		else
			showState("the API does not answer", false);
	}
	setTimeout(turn, POLL_MS);
}

function useToken(text) {
	token = text.trim();
	sessionStorage.setItem(KEY, token);
	byId("login").hidden = token !== "";
	byId("forget").hidden = token === "";
}

// #token=... comes once, from whoever gave the link; it doesn't stay in the address bar or the history.
function start() {
	const given = new URLSearchParams(location.hash.slice(1)).get("token");
	if (given)
		history.replaceState(null, "", location.pathname);
	useToken(given ?? sessionStorage.getItem(KEY) ?? "");
	if (token === "")
		askForToken();
	byId("use").addEventListener("click", () => useToken(byId("token").value));
	byId("token").addEventListener("keydown", (e) => {
		if (e.key === "Enter")
			useToken(byId("token").value);
	});
	byId("forget").addEventListener("click", () => askForToken());
	turn();
}

start();
