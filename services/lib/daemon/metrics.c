#include "daemon/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct metric {
	const char *name;
	const char *labels;
	const char *help;
	enum metric_type type;
	metric_value *value;
};

static struct metric metrics[METRICS_MAX];
static size_t metric_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
metrics_register(const char *name, const char *labels, enum metric_type type, const char *help, metric_value *value)
{
	pthread_mutex_lock(&lock);
	assert(metric_count < METRICS_MAX);
	metrics[metric_count++] = (struct metric){ name, labels, help, type, value };
	pthread_mutex_unlock(&lock);
}

static unsigned long long
read_value(const struct metric *m)
{
	return (unsigned long long)atomic_load_explicit(m->value, memory_order_relaxed);
}

/* Metrics of one name may be registered in several places: HELP and TYPE are said once. */
static bool
seen_before(size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(metrics[i].name, metrics[index].name) == 0)
			return true;
	}
	return false;
}

static void
print_family(FILE *out, size_t index)
{
	const char *name = metrics[index].name;

	fprintf(out, "# HELP honeyspam_%s %s\n# TYPE honeyspam_%s %s\n", name, metrics[index].help, name,
	    metrics[index].type == METRIC_COUNTER ? "counter" : "gauge");
	for (size_t i = index; i < metric_count; i++) {
		const struct metric *m = &metrics[i];

		if (strcmp(m->name, name) != 0)
			continue;
		if (m->labels == NULL)
			fprintf(out, "honeyspam_%s %llu\n", name, read_value(m));
		else
			fprintf(out, "honeyspam_%s{%s} %llu\n", name, m->labels, read_value(m));
	}
}

char *
metrics_prometheus(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	fprintf(out,
	    "# HELP honeyspam_build_info Version of this program.\n# TYPE honeyspam_build_info gauge\n"
	    "honeyspam_build_info{version=\"" HS_VERSION "\"} 1\n");
	for (size_t i = 0; i < metric_count; i++) {
		if (!seen_before(i))
			print_family(out, i);
	}
	pthread_mutex_unlock(&lock);
	fclose(out);
	return text;
}

/* {"a": 1, "b{reason=full}": 2}: a label's quotes are left out of the key. */
static void
print_key(FILE *out, const struct metric *m)
{
	fputs(m->name, out);
	if (m->labels == NULL)
		return;
	fputc('{', out);
	for (const char *p = m->labels; *p != '\0'; p++) {
		if (*p != '"' && *p != '\\')
			fputc(*p, out);
	}
	fputc('}', out);
}

char *
metrics_json(const char *service, const char *instance)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	pthread_mutex_lock(&lock);
	fprintf(out, "{\"service\":\"%s\",\"instance\":\"%s\",\"version\":\"" HS_VERSION "\",\"metrics\":{", service,
	    instance);
	for (size_t i = 0; i < metric_count; i++) {
		fputs(i == 0 ? "\"" : ",\"", out);
		print_key(out, &metrics[i]);
		fprintf(out, "\":%llu", read_value(&metrics[i]));
	}
	fputs("}}\n", out);
	pthread_mutex_unlock(&lock);
	fclose(out);
	return text;
}
