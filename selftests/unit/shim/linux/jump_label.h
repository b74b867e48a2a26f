/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/jump_label.h>: a key is a variable, which a test may set. */
#ifndef SHIM_LINUX_JUMP_LABEL_H
#define SHIM_LINUX_JUMP_LABEL_H

struct static_key_false {
	bool on;
};

#define DECLARE_STATIC_KEY_FALSE(name)	extern struct static_key_false name
#define DEFINE_STATIC_KEY_FALSE(name)	struct static_key_false name
#define static_branch_unlikely(key)	((key)->on)
#define static_branch_enable(key)	((key)->on = true)

#endif /* SHIM_LINUX_JUMP_LABEL_H */
