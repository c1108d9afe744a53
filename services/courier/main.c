/* courier - the only part that talks to the outside: delivers the few mails that convince a spammer. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "courier/send.h"
#include "courier/worker.h"
#include "daemon/daemon.h"

#include <stdio.h>
#include <string.h>

enum { WORKERS_MAX = 16, PASSWORD_MAX = 256 };

static bool enabled, smarthost_tls;
static long workers_wanted, size_max, salted_max, age_max, deliver_timeout, retry_seconds, retry_attempts;
static long quota_network, quota_salted, quota_recipient, quota_domain, quota_total;
static const char *dns_servers, *helo_name, *smarthost, *smarthost_user, *smarthost_password_file;
static const char *deny_recipients, *deny_domains, *deny_networks, *deny_sources;

static struct worker_settings work;
static struct worker *workers[WORKERS_MAX];
static size_t running;
static bool draining;

static const struct setting settings[] = {
	{ "enabled", SETTING_BOOL, &enabled, "false", 0, 0, "",
	    "Deliver. Without it probes are recognised and told as refused, and nothing goes out." },
	{ "workers", SETTING_NUMBER, &workers_wanted, "2", 1, WORKERS_MAX, "threads", "Mails carried at once." },
	{ "probe.size-max", SETTING_NUMBER, &size_max, "16384", 64, 1048576, "bytes", "Largest mail that is a probe." },
	{ "probe.age-max", SETTING_NUMBER, &age_max, "3600", 1, 604800, "seconds",
	    "A mail that waited longer is no probe any more." },
	{ "salted.size-max", SETTING_NUMBER, &salted_max, "262144", 64, 1048576, "bytes",
	    "Largest mail that is carried to a known drop-box." },
	{ "quota.network", SETTING_NUMBER, &quota_network, "1", 0, 1000000, "a day",
	    "Probes carried for a source network (/24, /48)." },
	{ "quota.salted", SETTING_NUMBER, &quota_salted, "5", 0, 1000000, "a day",
	    "Mails to known drop-boxes carried for a source network." },
	{ "quota.recipient", SETTING_NUMBER, &quota_recipient, "5", 0, 1000000, "a day",
	    "Mails carried to a recipient." },
	{ "quota.domain", SETTING_NUMBER, &quota_domain, "20", 0, 1000000, "a day", "Mails carried to a domain." },
	{ "quota.total", SETTING_NUMBER, &quota_total, "100", 0, 1000000, "a day", "Mails carried in all." },
	{ "retry.seconds", SETTING_NUMBER, &retry_seconds, "300", 1, 86400, "seconds",
	    "Wait before the second attempt; each further wait is three times as long." },
	{ "retry.attempts", SETTING_NUMBER, &retry_attempts, "4", 1, 10, "", "Attempts until a mail has failed." },
	{ "deliver.timeout", SETTING_NUMBER, &deliver_timeout, "180", 1, 900, "seconds",
	    "Longest that one attempt may take." },
	{ "dns.servers", SETTING_TEXT, &dns_servers, "", 0, 0, "",
	    "Name servers, address[:port] with commas; the machine's own when empty." },
	{ "helo.name", SETTING_TEXT, &helo_name, "", 0, 0, "",
	    "Name to greet servers with; the decoy's own when empty." },
	{ "smarthost", SETTING_TEXT, &smarthost, "", 0, 0, "",
	    "Server that gets every mail, host:port; direct to the recipient's MX when empty." },
	{ "smarthost.tls", SETTING_BOOL, &smarthost_tls, "false", 0, 0, "",
	    "The smarthost must offer STARTTLS with a certificate that verifies." },
	{ "smarthost.user", SETTING_TEXT, &smarthost_user, "", 0, 0, "", "User at the smarthost; none when empty." },
	{ "smarthost.password-file", SETTING_TEXT, &smarthost_password_file, "", 0, 0, "",
	    "File that holds that user's password." },
	{ "deny.recipients", SETTING_TEXT, &deny_recipients, "", 0, 0, "",
	    "Never written to, with commas: user@domain, or user@ anywhere; role and trap addresses never are." },
	{ "deny.domains", SETTING_TEXT, &deny_domains, "gov,mil", 0, 0, "",
	    "Domains, with all below them, that are never written to: name your own and the poisoned ones." },
	{ "deny.networks", SETTING_TEXT, &deny_networks, "", 0, 0, "",
	    "No server in these is connected to: name your own; private networks never are." },
	{ "deny.sources", SETTING_TEXT, &deny_sources, "", 0, 0, "", "Nothing from these networks is carried." },
};

static const char *
read_password(void)
{
	char text[PASSWORD_MAX];
	FILE *f;

	if (smarthost_password_file[0] == '\0')
		return "";
	f = fopen(smarthost_password_file, "re");
	if (f == NULL || fgets(text, sizeof(text), f) == NULL)
		log_fatal("msg=\"smarthost.password-file can't be read\" file=%s", smarthost_password_file);
	fclose(f);
	text[strcspn(text, "\r\n")] = '\0';
	return xstrdup(text);
}

static void
collect_settings(void)
{
	char error[512];

	work = (struct worker_settings){
		.enabled = enabled,
		.limits = { (uint64_t)size_max, (uint64_t)salted_max },
		.age_max_ms = (uint64_t)age_max * 1000,
		.quotas.a_day = {
			[QUOTA_TOTAL] = (uint64_t)quota_total,
			[QUOTA_NETWORK] = (uint64_t)quota_network,
			[QUOTA_SALTED] = (uint64_t)quota_salted,
			[QUOTA_RECIPIENT] = (uint64_t)quota_recipient,
			[QUOTA_DOMAIN] = (uint64_t)quota_domain,
		},
		.retry = { (uint64_t)retry_seconds * 1000, (unsigned)retry_attempts },
		.deliver_ms = (uint64_t)deliver_timeout * 1000,
		.dns_servers = dns_servers,
		.helo = helo_name,
		.smarthost = smarthost,
		.smarthost_user = smarthost_user,
		.smarthost_password = read_password(),
		.smarthost_tls = smarthost_tls,
	};
	if (!deny_load(&work.deny, deny_recipients, deny_domains, deny_networks, deny_sources, error, sizeof(error)))
		log_fatal("msg=\"%s\"", error);
	if (helo_name[0] != '\0' && !deny_domain_valid(helo_name))
		log_fatal("msg=\"helo.name must be a host's full name\" value=\"%s\"", helo_name);
}

static void
worker_ended(void *ctx)
{
	if (--running == 0 && draining)
		daemon_drained(ctx);
}

static void
start(struct daemon *d)
{
	collect_settings();
	send_init();
	worker_register_metrics();
	admin_ready(daemon_admin(d), "consumer", false);
	for (; running < (size_t)workers_wanted; running++)
		workers[running] = worker_start(d, &work, worker_ended, d);
	log_info("msg=\"%s\" smarthost=\"%s\"", enabled ? "delivering probes" : "delivery is off: nothing goes out",
	    smarthost);
}

static void
drain(struct daemon *d)
{
	(void)d;
	draining = true;
	for (size_t i = 0; i < (size_t)workers_wanted; i++)
		worker_stop(workers[i]);
}

static void
stop(struct daemon *d)
{
	(void)d;
	for (size_t i = 0; i < (size_t)workers_wanted; i++)
		worker_join(workers[i]);
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "courier",
		.purpose = "delivers the few mails that convince a spammer",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.sandbox = SANDBOX_SERVES, /* the loop's thread; the workers have their own */
		.start = start,
		.drain = drain,
		.stop = stop,
	};

	return daemon_main(&service, argc, argv);
}
