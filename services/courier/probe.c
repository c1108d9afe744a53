#include "courier/probe.h"

bool
probe_wants_text(const struct probe_facts *f, const struct probe_limits *l, const char **why)
{
	*why = NULL;
	if (f->dropbox >= 0)
		*why = f->size > l->salted_max ? "large" : NULL;
	else if (f->recipients != 1)
		*why = "recipients";
	else if (f->size > l->size_max)
		*why = "large";
	return *why == NULL;
}

static enum mark
find_mark(const struct endpoint *decoy, const struct message *m)
{
	enum mark subject = mark_find(decoy, m->subject.at, m->subject.len);
	enum mark body = subject == MARK_ADDRESS ? MARK_NONE : mark_find(decoy, m->body.at, m->body.len);

	return subject > body ? subject : body;
}

static enum probe_kind
choose_kind(const struct probe_facts *f, enum mark mark)
{
	if (f->dropbox >= 0)
		return PROBE_SALTED;
	if (f->first)
		return PROBE_FIRST;
	return mark == MARK_NONE ? PROBE_NONE : PROBE_MARKED;
}

struct probe_verdict
probe_judge(const struct probe_facts *f, const struct probe_limits *l, const struct endpoint *decoy,
    const struct message *m)
{
	struct probe_verdict v = { .kind = PROBE_NONE, .recipient = f->dropbox >= 0 ? (size_t)f->dropbox : 0 };

	if (!probe_wants_text(f, l, &v.why))
		return v;
	if (message_has_attachment(m))
		v.why = "attachment";
	else if (message_has_bare_cr(m))
		v.why = "bare-cr";
	if (v.why != NULL)
		return v;
	v.mark = find_mark(decoy, m);
	v.kind = choose_kind(f, v.mark);
	v.why = v.kind == PROBE_NONE ? "plain" : NULL;
	return v;
}

bool
probe_proves_dropbox(const struct probe_verdict *v, bool another_network_chose_it)
{
	return v->kind == PROBE_SALTED || v->mark == MARK_ADDRESS ||
	    (v->kind == PROBE_FIRST && another_network_chose_it);
}

const char *
probe_kind_name(enum probe_kind k)
{
	static const char *const names[] = {
		[PROBE_NONE] = "none",
		[PROBE_FIRST] = "first",
		[PROBE_MARKED] = "marked",
		[PROBE_SALTED] = "salted",
	};

	return names[k];
}
