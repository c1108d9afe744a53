#include "fingerprintd/flow_source_raw.h"

static const uint8_t *
raw_peek(void *peer, size_t *len)
{
	return stack_peek(peer, len);
}

static void
raw_consume(void *peer, size_t len)
{
	stack_consume(peer, len);
}

static size_t
raw_write(void *peer, const void *data, size_t len)
{
	return stack_write(peer, data, len);
}

static size_t
raw_unsent(const void *peer)
{
	return stack_unsent(peer);
}

static void
raw_shutdown(void *peer)
{
	stack_shutdown(peer);
}

static void
raw_reset(void *peer)
{
	stack_reset(peer);
}

static const struct flow_source raw = {
	.peek = raw_peek,
	.consume = raw_consume,
	.write = raw_write,
	.unsent = raw_unsent,
	.shutdown = raw_shutdown,
	.reset = raw_reset,
};

bool
flow_source_raw_open(struct flows *fs, struct stack_flow *f, const struct flow_target *target)
{
	struct flow_peer peer = {
		.source = &raw,
		.handle = f,
		.from = *stack_flow_source(f),
		.to = *stack_flow_destination(f),
	};
	struct flow *flow = flows_open(fs, &peer, target);

	stack_flow_set_ctx(f, flow);
	return flow != NULL;
}

void
flow_source_raw_data(struct stack_flow *f)
{
	flows_data(stack_flow_ctx(f));
}

void
flow_source_raw_eof(struct stack_flow *f)
{
	flows_eof(stack_flow_ctx(f));
}

void
flow_source_raw_writable(struct stack_flow *f)
{
	flows_writable(stack_flow_ctx(f));
}

void
flow_source_raw_closed(struct stack_flow *f, enum stack_end why)
{
	flows_closed(stack_flow_ctx(f), why);
}
