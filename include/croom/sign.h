/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signatures of plugins: a key pair in two files, and a signature in a third, beside what it is of.
 *
 *	croom_sign_keys("release.key", "release.pub", id, &error);      // croomctl keygen -o release
 *	croom_sign_file("release.key", "count.so", id, &error);         // croomctl sign -k release.key count.so
 *	croom_sign_verify("release.pub", "count.so", id, &error);       // croomctl verify -k release.pub count.so
 *
 * All three are text, three lines each: what it is and its version, the key's id, and base64.
 *
 *	croom public key 1                croom signature 1
 *	id 1f0c5a3be2d49867               id 1f0c5a3be2d49867
 *	ed25519 BASE64                    ed25519ph BASE64
 *
 * The id is the first 8 bytes of the public key's SHA-256. A signature is Ed25519ph (RFC 8032) by libsodium over the words
 * "croom plugin signature 1", a NUL, and the file: one that the key made for anything else does not fit. It says nothing
 * of the file's name, or of when: a plugin that was signed once stays signed, so who wants an old one to go takes the key
 * out of the policy.
 *
 * Secret keys are in memory that is locked where the system allows it, left out of core dumps, and wiped. Any thread.
 */
#ifndef CROOM_SIGN_H
#define CROOM_SIGN_H

#include <croom/error.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CROOM_SIGN_ID = 16 };   /* hexadecimal digits */

#pragma GCC visibility push(default)

/*
 * Make a key pair, as two files that must not be there yet (-EEXIST), the secret one with mode 0600. Both, or none is left.
 * id: what to call it.
 */
int croom_sign_keys(const char *secret_path, const char *public_path, char id[CROOM_SIGN_ID + 1], struct croom_error *err);

/*
 * Sign a regular file: PATH.sig is there as a whole, in place of an older one, or it is as it was. The secret key's file
 * must be readable for nobody but its owner, who is this user or root: -EACCES. -EBADMSG: it is no secret key, or damaged.
 */
int croom_sign_file(const char *secret_path, const char *path, char id[CROOM_SIGN_ID + 1], struct croom_error *err);

/*
 * Is PATH.sig of this key and this file? 0; -EKEYREJECTED: it is not, and *err says whether the key is another or the file;
 * -ENOENT, -EBADMSG (no public key, no signature, or a damaged one), -EACCES. id, of the key that it says made it, is ""
 * when that is not known.
 */
int croom_sign_verify(const char *public_path, const char *path, char id[CROOM_SIGN_ID + 1], struct croom_error *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
