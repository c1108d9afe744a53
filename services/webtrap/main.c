/* webtrap - a small web site whose forbidden part never ends. */
#include "base/log.h"
#include "webtrap/server.h"

#include <string.h>

static const char *listen_address, *listen_proxy, *listen_networks, *maze_domains;
static long listen_capacity, visitors_max;
static struct server *server;

static const struct setting settings[] = {
	{ "listen.address", SETTING_TEXT, &listen_address, "127.0.0.1:8080", 0, 0, "",
	    "Address and port where flows come in." },
	{ "listen.proxy", SETTING_TEXT, &listen_proxy, "required", 0, 0, "",
	    "PROXY header: required, or off (loopback only)." },
	{ "listen.networks", SETTING_TEXT, &listen_networks, "127.0.0.0/8", 0, 0, "",
	    "Who may connect: the gateway's networks." },
	{ "listen.capacity", SETTING_NUMBER, &listen_capacity, "10000", 1, 1000000, "sessions",
	    "Sessions held at once." },
	{ "maze.domains", SETTING_TEXT, &maze_domains, "example.net", 0, 0, "",
	    "Domains of poisoned addresses, separated by commas; their mail must come to relaytrap." },
	{ "visitors.max", SETTING_NUMBER, &visitors_max, "65536", 16, 16777216, "sources", "Sources remembered." },
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
		.domains = maze_domains,
		.visitors = visitors_max,
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
	(void)d;
	server_shutdown(server);
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
		.name = "webtrap",
		.purpose = "a web site that poisons harvesters",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.needs_site_key = true,
		.sandbox = SANDBOX_SERVES,
		.start = start,
		.drain = drain,
		.stop = stop,
		.presence = presence,
	};

	return daemon_main(&service, argc, argv);
}
