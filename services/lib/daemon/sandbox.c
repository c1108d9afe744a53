#include "daemon/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- seccomp ---- */

/* Whatever starts or becomes a program, reaches into another process, or changes what this one may do. */
static const char *const no_programs[] = { "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv",
	"process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd", "kcmp", "kill", "tkill", "rt_sigqueueinfo",
	"rt_tgsigqueueinfo", "pidfd_send_signal", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot",
	"move_mount", "open_tree", "fsopen", "fsmount", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key",
	"request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
	"capset", "personality", "open_by_handle_at", "name_to_handle_at", "acct", "quotactl", "swapon", "swapoff",
	"memfd_secret", "io_uring_setup", "io_uring_enter", "io_uring_register" /* behind the filter's back */ };

/* Listeners are open by now. */
static const char *const no_listening[] = { "bind", "listen", "socketpair" };

static const char *const no_connections[] = { "socket", "connect" };

static int
deny(scmp_filter_ctx filter, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		/* A call that this libseccomp or architecture doesn't know can't be made either. */
		if (number != __NR_SCMP_ERROR && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) != 0 &&
		    number >= 0)
			return -1;
	}
	return 0;
}

/* Threads may be started, processes not; clone3 hides its flags in memory, so glibc is told to do without. */
static int
deny_processes(scmp_filter_ctx filter)
{
	int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	return failed != 0 ? failed
			   : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* Nothing but TCP, and UDP for who asks name servers: no raw packets, no netlink, no UNIX sockets. */
static int
deny_other_sockets(scmp_filter_ctx filter, bool datagrams)
{
	const scmp_datum_t type_bits = ~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC) & 0xffffffff;
	int failed = 0;

	for (int type = 0; type <= 10 && failed == 0; type++) {
		if (type != SOCK_STREAM && (type != SOCK_DGRAM || !datagrams))
			failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
			    SCMP_A1(SCMP_CMP_MASKED_EQ, type_bits, (scmp_datum_t)type));
	}
	if (failed == 0)
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_LT, AF_INET, 0));
	return failed != 0
	    ? failed
	    : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
deny_network(scmp_filter_ctx filter, enum sandbox kind)
{
	if (kind == SANDBOX_NO_PROGRAMS)
		return true;
	if (deny(filter, no_listening, COUNT(no_listening)) != 0)
		return false;
	return (kind == SANDBOX_SERVES ? deny(filter, no_connections, COUNT(no_connections))
				       : deny_other_sockets(filter, kind == SANDBOX_REACHES)) == 0;
}

static bool
filter_calls(enum sandbox kind)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool good = filter != NULL && deny(filter, no_programs, COUNT(no_programs)) == 0 &&
	    deny_processes(filter) == 0 && deny_network(filter, kind) && seccomp_load(filter) == 0;

	seccomp_release(filter);
	return good;
}

/* ---- Landlock ---- */

/* As in linux/landlock.h of a 6.7 kernel; the headers of Debian 12 end before handled_access_net. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
};

enum {
	LANDLOCK_VERSION = 1, /* LANDLOCK_CREATE_RULESET_VERSION */
	NET_BIND_TCP = 1,
	NET_CONNECT_TCP = 2,
	FS_FIRST_ABI = 1,
	FS_RIGHTS_ABI_1 = (1 << 13) - 1,
	FS_READS = 1 << 2 | 1 << 3, /* files, directories */
	FS_REFER = 1 << 13, /* ABI 2 */
	FS_TRUNCATE = 1 << 14, /* ABI 3 */
	NET_ABI = 4,
};

static struct ruleset
everything(long abi, enum sandbox kind)
{
	struct ruleset r = { .handled_access_fs = FS_RIGHTS_ABI_1 };

	if (kind == SANDBOX_REACHES)
		r.handled_access_fs &= ~(uint64_t)FS_READS;
	r.handled_access_fs |= abi >= 2 ? (uint64_t)FS_REFER : 0;
	r.handled_access_fs |= abi >= 3 ? (uint64_t)FS_TRUNCATE : 0;
	if (abi >= NET_ABI)
		r.handled_access_net = kind == SANDBOX_SERVES ? NET_BIND_TCP | NET_CONNECT_TCP : NET_BIND_TCP;
	return r;
}

/* All that the kernel can deny is denied; a kernel without Landlock leaves it to the filter. */
static bool
close_files_and_ports(enum sandbox kind)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

	if (abi < FS_FIRST_ABI)
		return true;
	struct ruleset r = everything(abi, kind);
	size_t size = abi >= NET_ABI ? sizeof(r) : sizeof(r.handled_access_fs);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	bool good =
	    fd >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

bool
sandbox_enter(enum sandbox kind)
{
	if (kind == SANDBOX_NONE)
		return true;
	return (kind == SANDBOX_NO_PROGRAMS || close_files_and_ports(kind)) && filter_calls(kind);
}
