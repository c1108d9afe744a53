#include "api/resource.h"

#include "api/assets.h"

#include <string.h>

void
resource_static(const struct request *r, struct reply *out)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (strcmp(assets[i].path, r->path) != 0)
			continue;
		out->status = 200;
		out->type = assets[i].type;
		out->constant = assets[i].data;
		out->len = assets[i].len;
		return;
	}
	reply_problem(out, 404, "This file is not in the program.");
}
