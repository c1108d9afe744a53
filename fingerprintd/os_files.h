/* os_files - the signature files of the setting, read into memory; what is wrong with them goes to the log. */
#ifndef FINGERPRINTD_OS_FILES_H
#define FINGERPRINTD_OS_FILES_H

struct os_signatures;

enum {
	OS_FILE_MAX = 4 * 1024 * 1024, /* bytes; the rest of a longer file is passed over, and it says so */
	OS_FILE_REPORTS_MAX = 20, /* damaged lines of a file that are named; the others are counted */
};

/*
 * The signatures of all the files in a list separated by commas; never NULL.
 * A file that isn't there is passed over: the default list names some that
 * need not be.
 */
struct os_signatures *os_files_load(const char *files);

#endif
