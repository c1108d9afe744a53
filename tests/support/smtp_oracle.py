#!/usr/bin/python3
"""smtp_oracle - the real mail servers of Debian 12, to hold our looks against.

Their packages conflict, so none is installed: each is unpacked with the libraries it needs into a root of its own
under build/cache/ (`--fetch`, once, needs the network) and runs there in a mount and process namespace, on its own
address in the caller's network. /etc and /var are memory, written anew for every run: nothing of a run is kept, and
the machine's own files are not touched.

    smtp_oracle.py --fetch
    smtp_oracle.py --serve postfix --address 203.0.113.25     (inside a network namespace; ends with SIGTERM)

Every server is an open relay as its documentation makes one, keeps what it takes in its queue, and sends nothing:
there is nobody to send to in the namespace.
"""

import argparse
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "cache" / "smtp"
HOST = "mail.oracle.test"
PEER = "198.51.100.7"
SECRET = ("carol", "correct-horse")  # who may log in
PACKAGES = {
    "postfix": ["postfix", "libsasl2-modules", "sasl2-bin"],
    "sendmail": ["sendmail-bin", "sendmail-base", "sendmail-cf", "m4", "dash", "coreutils", "sed", "libsasl2-modules", "sasl2-bin"],
    "exim": ["exim4-daemon-heavy", "exim4-base"],
}


# ---- packages ----


def libraries(packages):
    """The library packages that these need, to the last."""
    wanted, level = set(packages), list(packages)
    while level:
        words = ["apt-cache", "depends", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks",
                 "--no-replaces", "--no-enhances", *level]  # fmt: skip
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found = set(re.findall(r"^ +(?:Pre)?Depends: ((?:lib|zlib)[\w.+-]+)$", text, re.M))
        level = sorted(found - wanted)
        wanted |= found
    return sorted(wanted)


def fetch(name):
    """The server's root, unpacked; what is there is kept."""
    root = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if root.exists():
            return root
        debs, fresh = CACHE / f"{name}.debs", CACHE / f"{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        for folder in (debs, fresh):
            folder.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *libraries(PACKAGES[name])],
                       cwd=debs, check=True)  # fmt: skip
        for folder in ("bin", "sbin", "lib", "lib64"):  # merged, as on the machine itself
            (fresh / "usr" / folder).mkdir(parents=True)
            (fresh / folder).symlink_to(f"usr/{folder}")
        for deb in sorted(debs.glob("*.deb")):
            merge(deb, fresh)
        for folder in ("dev", "proc", "etc", "var", "tmp", "run"):
            (fresh / folder).mkdir(exist_ok=True)
        shutil.rmtree(debs)
        fresh.rename(root)
    return root


def merge(deb, root):
    """tar through the links of a merged /usr: dpkg -x would replace them by directories."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as files:
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=files.stdout, check=True)


# ---- what a machine has in /etc ----

USERS = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1::/:/bin/false
mail:x:8:8::/var/mail:/bin/false
nobody:x:65534:65534::/:/bin/false
postfix:x:101:101::/var/spool/postfix:/bin/false
smmta:x:102:102::/var/lib/sendmail:/bin/false
smmsp:x:103:103::/var/lib/sendmail:/bin/false
Debian-exim:x:104:104::/var/spool/exim4:/bin/false
carol:x:1000:1000::/:/bin/sh
"""
GROUPS = """\
root:x:0:
daemon:x:1:
mail:x:8:
nogroup:x:65534:
postfix:x:101:
smmta:x:102:
smmsp:x:103:
Debian-exim:x:104:
postdrop:x:105:
sasl:x:45:postfix,smmta
carol:x:1000:
"""


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    path.chmod(mode)


def owned(path, uid, gid, mode):
    path.mkdir(parents=True, exist_ok=True)
    os.chown(path, uid, gid)
    path.chmod(mode)


def common_etc(root, address):
    write(root / "etc/passwd", USERS)
    write(root / "etc/group", GROUPS)
    write(root / "etc/shells", "/bin/sh\n")
    write(root / "etc/hosts", f"127.0.0.1 localhost\n{address} {HOST} mail\n")
    write(root / "etc/nsswitch.conf", "hosts: files dns\n")
    write(root / "etc/host.conf", "multi on\n")
    write(root / "etc/hostname", f"{HOST}\n")
    write(root / "etc/mailname", f"{HOST}\n")
    write(root / "etc/resolv.conf", "nameserver 203.0.113.53\noptions timeout:1 attempts:1\n")
    write(root / "etc/services", "smtp 25/tcp mail\ndomain 53/udp\n")
    write(root / "etc/protocols", "tcp 6 TCP\nudp 17 UDP\n")
    owned(root / "tmp", 0, 0, 0o1777)


CERTIFICATE, KEY = "/etc/ssl/mail.crt", "/etc/ssl/mail.key"


def certificate(root):
    """As a package makes one for itself: RSA, the host's name, nobody's signature."""
    (root / "etc/ssl").mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}", "-days", "3650",
                    "-keyout", root / KEY[1:], "-out", root / CERTIFICATE[1:]],
                   check=True, stderr=subprocess.DEVNULL)  # fmt: skip


# ---- Postfix ----

POSTFIX_MAIN = """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = {host}
mydestination = $myhostname, localhost
mynetworks = 0.0.0.0/0
inet_interfaces = {address}
inet_protocols = ipv4
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
local_recipient_maps = proxy:unix:passwd.byname $alias_maps
maillog_file = /var/log/postfix.log
maillog_file_prefixes = /var
defer_transports = smtp, local
default_process_limit = 200
{more}
"""
# service type private unpriv chroot wakeup maxproc command
POSTFIX_MASTER = """\
smtp      inet  n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""
ALIASES = "postmaster: root\nabuse: root\n"


def prepare_postfix(root, args):
    more = list(args.option)
    if args.auth:
        more += ["smtpd_sasl_auth_enable=yes", "smtpd_sasl_security_options=noanonymous"]
        write(root / "etc/postfix/sasl/smtpd.conf", SASL)
        password_file(root)
    if args.tls:
        certificate(root)
        more += [f"smtpd_tls_cert_file={CERTIFICATE}", f"smtpd_tls_key_file={KEY}", "smtpd_tls_security_level=may"]
    main = POSTFIX_MAIN.format(host=HOST, address=args.address, more="\n".join(more))
    write(root / "etc/postfix/main.cf", main)
    write(root / "etc/postfix/master.cf", POSTFIX_MASTER)
    write(root / "etc/aliases", ALIASES)
    spool = root / "var/spool/postfix"
    owned(spool, 0, 0, 0o755)
    for folder in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
                   "saved", "trace"):  # fmt: skip
        owned(spool / folder, 101, 101, 0o700)
    owned(spool / "pid", 0, 0, 0o755)
    owned(spool / "maildrop", 101, 105, 0o1730)
    owned(spool / "public", 101, 105, 0o2710)
    owned(root / "var/lib/postfix", 101, 101, 0o755)
    owned(root / "var/log", 0, 0, 0o755)
    chrooted(root, "/usr/sbin/postalias", "/etc/aliases")
    return ["/usr/lib/postfix/sbin/master", "-d"]


SASL = "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN CRAM-MD5\nlog_level: 7\n"


def password_file(root):
    user, password = SECRET
    subprocess.run(["chroot", root, "/usr/sbin/saslpasswd2", "-p", "-c", "-u", HOST, user],
                   input=password.encode(), check=True)  # fmt: skip
    os.chmod(root / "etc/sasldb2", 0o644)


# ---- Sendmail ----

SENDMAIL_MC = """\
divert(-1)dnl
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
divert(0)dnl
OSTYPE(`debian')dnl
define(`confSMTP_LOGIN_MSG', `$j Sendmail $v/$Z; $b')dnl
define(`confCF_VERSION', `')dnl
DOMAIN(`generic')dnl
define(`ALIAS_FILE', `/etc/mail/aliases')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`promiscuous_relay')dnl
DAEMON_OPTIONS(`Name=MTA, Addr={address}, Port=25, Family=inet{modify}')dnl
define(`confDELIVERY_MODE', `q')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confTO_IDENT', `0s')dnl
define(`confPRIVACY_FLAGS', `')dnl
{more}
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
# Debian's examples/tls/starttls.m4
SENDMAIL_TLS = """\
define(`confDONT_BLAME_SENDMAIL', `GroupReadableKeyFile')dnl
define(`confCACERT_PATH', `/etc/ssl/certs')dnl
define(`confCACERT', `{certificate}')dnl
define(`confSERVER_CERT', `{certificate}')dnl
define(`confSERVER_KEY', `{key}')dnl
define(`confDH_PARAMETERS', `/etc/ssl/dh.prm')dnl
define(`confTLS_SRV_OPTIONS', `')dnl
"""


def sendmail_certificate(root):
    certificate(root)
    (root / "etc/ssl/certs").mkdir()
    (root / KEY[1:]).chmod(0o600)
    subprocess.run(["openssl", "dhparam", "-dsaparam", "-out", root / "etc/ssl/dh.prm", "2048"],
                   check=True, stderr=subprocess.DEVNULL)  # fmt: skip


def prepare_sendmail(root, args):
    more = list(args.option)
    if args.auth:
        more += ["define(`confAUTH_MECHANISMS', `PLAIN LOGIN CRAM-MD5')dnl",
                 "TRUST_AUTH_MECH(`PLAIN LOGIN CRAM-MD5')dnl"]  # fmt: skip
        write(root / "etc/mail/sasl/Sendmail.conf.2", SASL)
        password_file(root)
    if args.tls:
        more += [SENDMAIL_TLS.format(certificate=CERTIFICATE, key=KEY)]
        sendmail_certificate(root)
    write(root / "etc/mail/sendmail.mc", SENDMAIL_MC.format(address=args.address, modify="" if args.auth else ", M=A", more="\n".join(more)))
    done = chrooted(root, "/usr/bin/m4", "/etc/mail/sendmail.mc")
    (root / "etc/mail/sendmail.cf").write_bytes(done.stdout)
    write(root / "etc/mail/local-host-names", f"{HOST}\n")
    write(root / "etc/mail/trusted-users", "root\n")
    write(root / "etc/mail/aliases", ALIASES)
    owned(root / "var/spool/mqueue", 0, 0, 0o700)
    owned(root / "var/lib/sendmail", 0, 0, 0o755)
    owned(root / "etc/mail", 0, 0, 0o755)
    owned(root / "run/sendmail/mta", 0, 0, 0o755)
    chrooted(root, "/usr/sbin/makemap", "-N", "hash", "/etc/mail/aliases", text=ALIASES.replace(":", "") + "@ @\n")
    return ["/usr/libexec/sendmail/sendmail", "-C/etc/mail/sendmail.cf", "-bD"]


# ---- Exim ----

EXIM_CONF = """\
primary_hostname = {host}
domainlist local_domains = @ : localhost
domainlist relay_to_domains =
hostlist relay_from_hosts = 0.0.0.0/0
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = acl_check_data
acl_smtp_etrn = accept
never_users = root
host_lookup = *
daemon_smtp_ports = 25
local_interfaces = {address}
rfc1413_query_timeout = 0s
log_file_path = /var/log/exim4/%slog
queue_only
smtp_accept_max = 100
smtp_etrn_serialize = false
{more}
begin acl
acl_check_rcpt:
  accept hosts = :
         control = dkim_disable_verify
  deny message = Restricted characters in address
       domains = +local_domains
       local_parts = ^[.] : ^.*[@%!/|]
  deny message = Restricted characters in address
       domains = !+local_domains
       local_parts = ^[./|] : ^.*[@%!] : ^.*/\\\\.\\\\./
  accept local_parts = postmaster
         domains = +local_domains
  accept hosts = +relay_from_hosts
         domains = !+local_domains
         control = submission
  require message = nice hosts say HELO first
          condition = yes
  require message = relay not permitted
          domains = +local_domains : +relay_to_domains
  require verify = recipient
  accept
acl_check_data:
  accept
begin routers
remote:
  driver = manualroute
  domains = ! +local_domains
  transport = remote_smtp
  route_list = * 203.0.113.99
  no_more
system_aliases:
  driver = redirect
  allow_fail
  allow_defer
  data = ${{lookup{{$local_part}}lsearch{{/etc/aliases}}}}
localuser:
  driver = accept
  check_local_user
  transport = local_delivery
  cannot_route_message = Unknown user
begin transports
remote_smtp:
  driver = smtp
local_delivery:
  driver = appendfile
  file = /var/mail/$local_part_data
begin retry
* * F,2h,15m
begin rewrite
begin authenticators
{auth}
"""
EXIM_AUTH = """\
PLAIN:
  driver = plaintext
  server_set_id = $auth2
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_advertise_condition = true
LOGIN:
  driver = plaintext
  server_set_id = $auth1
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_advertise_condition = true
CRAM:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{user}}}{{{password}}}fail}}
  server_set_id = $auth1
"""


def prepare_exim(root, args):
    auth = EXIM_AUTH.format(user=SECRET[0], password=SECRET[1]) if args.auth else ""
    more = list(args.option)
    if args.tls:
        certificate(root)
        os.chown(root / KEY[1:], 104, 104)
        more += [f"tls_certificate = {CERTIFICATE}", f"tls_privatekey = {KEY}", "tls_advertise_hosts = *"]
    else:
        more += ["tls_advertise_hosts ="]
    text = EXIM_CONF.format(host=HOST, address=args.address, more="\n".join(more), auth=auth)
    write(root / "etc/exim4/exim4.conf", text)
    os.chown(root / "etc/exim4/exim4.conf", 0, 0)
    write(root / "etc/aliases", ALIASES)
    for folder in ("var/spool/exim4", "var/log/exim4"):
        owned(root / folder, 104, 104, 0o750)
    owned(root / "run/exim4", 104, 104, 0o755)
    return ["/usr/sbin/exim4", "-C", "/etc/exim4/exim4.conf", "-bdf"]


# ---- run ----

PREPARE = {"postfix": prepare_postfix, "sendmail": prepare_sendmail, "exim": prepare_exim}


def chrooted(root, *argv, text=""):
    return subprocess.run(["chroot", root, *argv], check=True, stdout=subprocess.PIPE, input=text.encode())


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def into_memory(folder):
    with tempfile.TemporaryDirectory() as kept:
        shutil.copytree(folder, kept, symlinks=True, dirs_exist_ok=True)
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)


def serve(args):
    """Inside the new namespaces: /etc and /var from memory, then become the server."""
    root = fetch(args.server)
    for folder in ("etc", "var", "run", "tmp"):
        into_memory(root / folder)
    mount("--rbind", "/dev", root / "dev")
    mount("-t", "proc", "proc", root / "proc")
    os.umask(0o022)
    shutil.rmtree(root / "var/run", ignore_errors=True)
    (root / "var/run").symlink_to("/run")
    common_etc(root, args.address)
    argv = PREPARE[args.server](root, args)
    subprocess.run(["hostname", HOST], check=True)
    os.chroot(root)
    os.chdir("/")
    os.environ.clear()
    os.environ["PATH"] = "/usr/sbin:/usr/bin"
    os.execv(argv[0], argv)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fetch", action="store_true", help="unpack every server")
    parser.add_argument("--serve", dest="server", choices=PACKAGES)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--auth", action="store_true", help="offer AUTH")
    parser.add_argument("--tls", action="store_true", help="offer STARTTLS")
    parser.add_argument("--option", action="append", default=[], help="another line of its configuration")
    args = parser.parse_args()
    if args.fetch:
        for name in PACKAGES:
            fetch(name)
    elif args.inside:
        serve(args)
    else:
        fetch(args.server)
        words = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private",
                 sys.executable, __file__, "--inside", *sys.argv[1:]]  # fmt: skip
        os.execvp(words[0], words)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
