/* flow_source_raw - flows of our own TCP (stack.h), handed to flow.c: the stack's callbacks. */
#ifndef FINGERPRINTD_FLOW_SOURCE_RAW_H
#define FINGERPRINTD_FLOW_SOURCE_RAW_H

#include "fingerprintd/flow.h"

/* False: full. */
bool flow_source_raw_open(struct flows *fs, struct stack_flow *f, const struct flow_target *target);
void flow_source_raw_data(struct stack_flow *f);
void flow_source_raw_eof(struct stack_flow *f);
void flow_source_raw_writable(struct stack_flow *f);
void flow_source_raw_closed(struct stack_flow *f, enum stack_end why);

#endif
