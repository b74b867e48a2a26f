/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/moduleparam.h>: parameters keep their defaults.
 */
#ifndef SHIM_LINUX_MODULEPARAM_H
#define SHIM_LINUX_MODULEPARAM_H

typedef unsigned int uint;

#define module_param(name, type, perm)	struct shim_##name
#define MODULE_PARM_DESC(name, text)	struct shim_##name

#endif /* SHIM_LINUX_MODULEPARAM_H */
