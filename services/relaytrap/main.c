/* relaytrap - an open relay that believes it delivers and keeps everything. */
#include "base/log.h"
#include "relaytrap/server.h"

#include <malloc.h>
#include <sched.h>
#include <string.h>

static const char *listen_address, *listen_proxy, *listen_networks, *host_domain, *mx_domains, *auth_offer, *auth_weak;
static long listen_capacity, message_max, memory_max, tls_sessions, sources_max, source_sessions, tarpit_after,
    auth_after, idle_max;
static struct server *server;

static const struct setting settings[] = {
	{ "listen.address", SETTING_TEXT, &listen_address, "127.0.0.1:2525", 0, 0, "",
	    "Address and port where flows come in." },
	{ "listen.proxy", SETTING_TEXT, &listen_proxy, "required", 0, 0, "",
	    "PROXY header: required, or off (loopback only)." },
	{ "listen.networks", SETTING_TEXT, &listen_networks, "127.0.0.0/8", 0, 0, "",
	    "Who may connect: the gateway's and proxytrap's networks." },
	{ "listen.capacity", SETTING_NUMBER, &listen_capacity, "10000", 1, 1000000, "sessions",
	    "Sessions held at once." },
	{ "host.domain", SETTING_TEXT, &host_domain, "example.net", 0, 0, "",
	    "Domain of the host names that decoys greet with." },
	{ "mx.domains", SETTING_TEXT, &mx_domains, "example.net", 0, 0, "",
	    "Domains that a port with a look like postfix/mx takes mail for: webtrap's maze.domains." },
	{ "message.max", SETTING_NUMBER, &message_max, "33554432", 1024, 134217728, "bytes",
	    "Largest message taken; offered as SIZE." },
	{ "tls.sessions", SETTING_NUMBER, &tls_sessions, "2000", 0, 1000000, "sessions",
	    "Most that speak TLS at once: 40 KiB each; beyond it STARTTLS is not offered." },
	{ "idle.max", SETTING_NUMBER, &idle_max, "0", 0, 86400, "seconds",
	    "Longest that a silent client is held, if that is shorter than the look's own time; 0: the look's." },
	{ "auth.offer", SETTING_TEXT, &auth_offer, "off", 0, 0, "", "AUTH PLAIN, LOGIN and CRAM-MD5: on or off." },
	{ "auth.weak", SETTING_TEXT, &auth_weak, "", 0, 0, "", "Who is let in: user:password, separated by commas." },
	{ "auth.after", SETTING_NUMBER, &auth_after, "0", 0, 1000, "attempts",
	    "After so many attempts of a session any password is let in; 0: never." },
	{ "sources.max", SETTING_NUMBER, &sources_max, "65536", 16, 16777216, "sources",
	    "Sources remembered; an IPv6 /64 is one." },
	{ "source.sessions", SETTING_NUMBER, &source_sessions, "1000", 1, 1000000, "sessions",
	    "Most sessions of one source at once; more hear the look's \"too many connections\"." },
	{ "tarpit.after", SETTING_NUMBER, &tarpit_after, "5000", 0, 1000000000, "mails",
	    "So many mails of a source go fast, then replies get later as the look would; halves in 10 minutes; 0: "
	    "never." },
	{ "memory.max", SETTING_NUMBER, &memory_max, "134217728", 1048576, 17179869184, "bytes",
	    "Most that mails not yet stored may hold; beyond it clients hear \"try later\"." },
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
		.host_domain = host_domain,
		.mx_domains = mx_domains,
		.message_max = (uint64_t)message_max,
		.memory_max = (uint64_t)memory_max,
		.sources = { (size_t)sources_max, (size_t)source_sessions, (size_t)tarpit_after },
		.tls_sessions = (size_t)tls_sessions,
		.idle_max_ms = (unsigned)idle_max * 1000,
		.auth_offered = strcmp(auth_offer, "on") == 0,
		.auth_weak = auth_weak,
		.auth_after = (unsigned)auth_after,
	};

	if (strcmp(listen_proxy, "off") != 0 && strcmp(listen_proxy, "required") != 0)
		log_fatal("msg=\"listen.proxy must be required or off\" value=\"%s\"", listen_proxy);
	if (strcmp(auth_offer, "on") != 0 && strcmp(auth_offer, "off") != 0)
		log_fatal("msg=\"auth.offer must be on or off\" value=\"%s\"", auth_offer);
	server = server_new(d, &s);
}

static void
drain(struct daemon *d)
{
	(void)d;
	server_drain(server);
}

static void
goodbye(struct daemon *d)
{
	(void)d;
	server_shutdown(server);
}

static void
stop(struct daemon *d)
{
	(void)d;
	server_stop(server);
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

/*
 * A mail makes many small blocks and a few large ones. glibc merges its quick
 * bins whenever a large one is asked for, and gives the top of the heap back at
 * 128 KiB: together a sixth of what a mail cost.
 */
static void
tune_heap(void)
{
	mallopt(M_MXFAST, 0);
	mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
	mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
}

/*
 * Who has just been woken does not push aside who runs: under load more is read, answered and told to NATS at a time,
 * and a mail costs a tenth less in all processes together. Where the machine has room nothing waits for it.
 */
static void
tune_scheduling(void)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &none); /* where it is not allowed, it goes without */
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "relaytrap",
		.purpose = "an open relay that keeps the mail",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.needs_site_key = true,
		.sandbox = SANDBOX_SERVES,
		.start = start,
		.drain = drain,
		.goodbye = goodbye,
		.stop = stop,
		.presence = presence,
	};

	tune_heap();
	tune_scheduling();
	return daemon_main(&service, argc, argv);
}
