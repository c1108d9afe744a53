/* attachment_service - kernel sockets behind a load balancer or a NodePort: no wire, no fingerprint, no capability. */
#include "base/log.h"
#include "daemon/daemon.h"
#include "fingerprintd/attachment.h"
#include "fingerprintd/flow_source_socket.h"

#include <string.h>

static struct sockets *sockets;

static bool
start(const struct attachment_world *w)
{
	const struct attachment_settings *have = &attachment_settings;
	struct sockets_settings s = {
		.loop = daemon_loop(w->daemon),
		.flows = w->flows,
		.address = have->listen_address,
		.port_offset = (uint16_t)have->listen_port_offset,
		.proxy = strcmp(have->listen_proxy, "required") == 0,
		.networks = have->listen_networks,
		.max = w->flows_max,
	};

	if (!s.proxy && strcmp(have->listen_proxy, "off") != 0)
		log_fatal("msg=\"listen.proxy must be off or required\" value=\"%s\"", have->listen_proxy);
	sockets = sockets_new(&s);
	return true;
}

static bool
adopt(struct decoys *now, struct decoys *before, char error[ATTACHMENT_ERROR_MAX])
{
	(void)before;
	return sockets_set_decoys(sockets, now, error);
}

static void
drain(void)
{
	sockets_drain(sockets);
}

static void
stop(struct decoys *decoys)
{
	(void)decoys;
	sockets_free(&sockets);
}

const struct attachment attachment_service = {
	.name = "service",
	.start = start,
	.adopt = adopt,
	.drain = drain,
	.stop = stop,
};
