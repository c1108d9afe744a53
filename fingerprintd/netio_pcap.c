#include "fingerprintd/netio.h"

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/loop.h"

#include <dumbnet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SNAP_BYTES = 65535, /* interfaces with offloads hand over whole 64 KiB packets */
	AGE_MAX_US = 1000 * 1000,
	RING_BYTES = 8 * 1024 * 1024, /* the kernel's queue for us */
};

struct netio {
	struct netio_ops ops;
	struct netio_counters counters;
	pcap_t *pcap;
	eth_t *eth;
	struct loop_fd *fd;
	uint8_t mac[6];
};

/* 0 when the wall clock was set back or far meanwhile. */
static uint64_t
age_us(const struct pcap_pkthdr *header)
{
	uint64_t at_us = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;
	uint64_t now_us = clock_wall_us();

	return at_us < now_us && now_us - at_us < AGE_MAX_US ? now_us - at_us : 0;
}

static void
one_frame(u_char *ctx, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct netio *n = (struct netio *)(void *)ctx;

	n->counters.received++;
	if (header->caplen < header->len)
		n->counters.cut++;
	else
		n->ops.frame(n->ops.ctx, bytes, header->caplen, age_us(header));
}

static void
readable(void *ctx, unsigned io)
{
	struct netio *n = ctx;

	(void)io;
	pcap_dispatch(n->pcap, NETIO_TURN_MAX, one_frame, ctx);
	if (n->ops.turn != NULL)
		n->ops.turn(n->ops.ctx);
}

/*
 * The file's capability is permitted, not effective (+p): an effective one makes
 * exec fail where the container may not have it, and nobody could say why.  So
 * it is made effective here.  True for root, too.
 */
static bool
may_use_raw_packets(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	data[0].effective |= data[0].permitted & 1U << CAP_NET_RAW;
	return syscall(SYS_capset, &header, data) == 0 && (data[0].effective & 1U << CAP_NET_RAW) != 0;
}

static bool
activate(struct netio *n, const char *interface, char error[NETIO_ERROR_MAX])
{
	pcap_set_snaplen(n->pcap, SNAP_BYTES);
	pcap_set_promisc(n->pcap, 1); /* decoys have MAC addresses of their own */
	pcap_set_immediate_mode(n->pcap, 1); /* else libpcap gathers packets for milliseconds: a timing fingerprint */
	pcap_set_buffer_size(n->pcap, RING_BYTES);
	int status = pcap_activate(n->pcap);

	if (status == PCAP_ERROR_NO_SUCH_DEVICE) {
		snprintf(error, NETIO_ERROR_MAX, "there is no interface %s", interface);
	} else if (status == PCAP_ERROR_IFACE_NOT_UP) {
		snprintf(error, NETIO_ERROR_MAX, "interface %s is down", interface);
	} else if (status < 0) {
		snprintf(error, NETIO_ERROR_MAX, "interface %s can't be captured: %s", interface, pcap_geterr(n->pcap));
	} else if (pcap_datalink(n->pcap) != DLT_EN10MB) {
		snprintf(error, NETIO_ERROR_MAX, "interface %s is not Ethernet", interface);
	} else {
		return true;
	}
	return false;
}

static bool
choose_frames(struct netio *n, const char *interface, char error[NETIO_ERROR_MAX])
{
	struct bpf_program program;
	char why[PCAP_ERRBUF_SIZE];

	if (pcap_setdirection(n->pcap, PCAP_D_IN) == 0 && pcap_setnonblock(n->pcap, 1, why) == 0 &&
	    pcap_compile(n->pcap, &program, "arp or ip", 1, PCAP_NETMASK_UNKNOWN) == 0) {
		int status = pcap_setfilter(n->pcap, &program);

		pcap_freecode(&program);
		if (status == 0)
			return true;
	}
	snprintf(error, NETIO_ERROR_MAX, "interface %s takes no filter: %s", interface, pcap_geterr(n->pcap));
	return false;
}

static bool
open_sender(struct netio *n, const char *interface, char error[NETIO_ERROR_MAX])
{
	eth_addr_t mac;

	n->eth = eth_open(interface);
	if (n->eth == NULL || eth_get(n->eth, &mac) != 0) {
		snprintf(error, NETIO_ERROR_MAX, "interface %s can't be sent on: %m", interface);
		return false;
	}
	memcpy(n->mac, mac.data, sizeof(n->mac));
	return true;
}

struct netio *
netio_open(struct loop *l, const char *interface, const struct netio_ops *ops, bool *forbidden,
    char error[NETIO_ERROR_MAX])
{
	struct netio *n;
	char why[PCAP_ERRBUF_SIZE];

	*forbidden = false;
	if (if_nametoindex(interface) == 0) {
		snprintf(error, NETIO_ERROR_MAX, "there is no interface %s", interface);
		return NULL;
	}
	if (!may_use_raw_packets()) {
		*forbidden = true;
		snprintf(error, NETIO_ERROR_MAX,
		    "CAP_NET_RAW is missing: without it no decoy on %s can be held. In Kubernetes, give the container "
		    "securityContext.capabilities.add [NET_RAW] in a namespace with the label "
		    "pod-security.kubernetes.io/enforce=privileged; with Docker, --cap-add NET_RAW; on a host, "
		    "setcap cap_net_raw+p on the program; or run without it: --attachment=service. Then start again",
		    interface);
		return NULL;
	}
	n = xcalloc(1, sizeof(*n));
	n->ops = *ops;
	n->pcap = pcap_create(interface, why);
	if (n->pcap == NULL)
		snprintf(error, NETIO_ERROR_MAX, "interface %s: %s", interface, why);
	else if (activate(n, interface, error) && choose_frames(n, interface, error) &&
	    open_sender(n, interface, error))
		n->fd = loop_fd_new(l, pcap_get_selectable_fd(n->pcap), LOOP_READ, readable, n);
	if (n->fd == NULL)
		netio_close(&n);
	return n;
}

void
netio_close(struct netio **np)
{
	struct netio *n = *np;

	if (n == NULL)
		return;
	if (n->fd != NULL)
		loop_fd_free(&n->fd);
	if (n->pcap != NULL)
		pcap_close(n->pcap);
	if (n->eth != NULL)
		eth_close(n->eth);
	free(n);
	*np = NULL;
}

void
netio_mac(const struct netio *n, uint8_t mac[6])
{
	memcpy(mac, n->mac, sizeof(n->mac));
}

void
netio_send(struct netio *n, const void *frame, size_t len)
{
	if (eth_send(n->eth, frame, len) == (ssize_t)len)
		n->counters.sent++;
	else
		n->counters.send_failed++;
}

const struct netio_counters *
netio_counters(struct netio *n)
{
	struct pcap_stat s;

	if (pcap_stats(n->pcap, &s) == 0)
		n->counters.dropped = s.ps_drop;
	return &n->counters;
}
