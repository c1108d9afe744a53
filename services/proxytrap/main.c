/* proxytrap - an open proxy that leads to our own relay and nowhere else. */
#include "base/log.h"
#include "proxytrap/server.h"

#include <string.h>

static const char *listen_address, *listen_proxy, *listen_networks, *traps_networks, *traps_fallback;
static long listen_capacity;
static struct server *server;

static const struct setting settings[] = {
	{ "listen.address", SETTING_TEXT, &listen_address, "127.0.0.1:3128", 0, 0, "",
	    "Address and port where flows come in." },
	{ "listen.proxy", SETTING_TEXT, &listen_proxy, "required", 0, 0, "",
	    "PROXY header: required, or off (loopback only)." },
	{ "listen.networks", SETTING_TEXT, &listen_networks, "127.0.0.0/8", 0, 0, "",
	    "Who may connect: the gateway's networks." },
	{ "listen.capacity", SETTING_NUMBER, &listen_capacity, "10000", 1, 1000000, "sessions",
	    "Sessions held at once." },
	{ "traps.networks", SETTING_TEXT, &traps_networks, "127.0.0.0/8", 0, 0, "",
	    "Networks in which relays may be dialled; nothing else ever is." },
	{ "traps.fallback", SETTING_TEXT, &traps_fallback, "", 0, 0, "",
	    "relaytrap=name:2525, used while NATS is away." },
};

static void
start(struct daemon *d)
{
	struct server_settings s = {
		.listen = {
			.address = listen_address,
			.networks = listen_networks,
			.proxy = strcmp(listen_proxy, "off") != 0,
			.capacity = listen_capacity,
		},
		.networks = traps_networks,
		.fallback = traps_fallback,
	};

	if (strcmp(listen_proxy, "off") != 0 && strcmp(listen_proxy, "required") != 0)
		log_fatal("msg=\"listen.proxy must be required or off\" value=\"%s\"", listen_proxy);
	server = server_new(d, &s);
}

static void
drain(struct daemon *d)
{
	(void)d;
	server_drain(server);
}

static void
stop(struct daemon *d)
{
	(void)d; /* flows that are left end with the process */
}

static void
presence(void *ctx, struct presence_state *out)
{
	(void)ctx;
	if (server == NULL)
		return;
	endpoint_parse(listen_address, &out->at);
	out->at.port = server_port(server);
	out->sessions = server_sessions(server);
	out->capacity = (size_t)listen_capacity;
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "proxytrap",
		.purpose = "an open proxy that leads to our own relay",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.needs_site_key = true,
		.sandbox = SANDBOX_DIALS,
		.start = start,
		.drain = drain,
		.stop = stop,
		.presence = presence,
	};

	return daemon_main(&service, argc, argv);
}
