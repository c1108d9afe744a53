/*
 * grant FILE - permits FILE CAP_NET_RAW and removes itself: setcap for an image
 * without a shell.  Permitted, not effective (+p): with an effective one exec
 * fails where a container may not have the capability, and nobody could say why.
 */
#include <endian.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct vfs_cap_data data = { .magic_etc = htole32(VFS_CAP_REVISION_2) };

	data.data[0].permitted = htole32(1U << CAP_NET_RAW);
	if (argc != 2 || setxattr(argv[1], "security.capability", &data, XATTR_CAPS_SZ_2, 0) != 0 ||
	    unlink(argv[0]) != 0) {
		perror("grant");
		return 1;
	}
	return 0;
}
