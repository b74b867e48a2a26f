// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens around every ioctl: the row is found, the argument copied in, the result copied out.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ioctl.h"

const struct ioctl_row *ioctl_find(const struct ioctl_row *rows, u32 nr, u32 cmd)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (rows[i].cmd == cmd)
			return &rows[i];
	}
	return NULL;
}

/* 0, and ioctl_end() is due; or an error, and it is not. */
int ioctl_begin(const struct ioctl_row *row, unsigned long arg, struct ioctl_frame *f)
{
	u32 size = _IOC_SIZE(row->cmd);

	f->user = (void __user *)arg;
	f->heap = NULL;
	if (ioctl_is_bare(row)) {
		f->arg.value = arg;
		return 0;
	}

	f->arg.buf = f->small;
	if (size > sizeof(f->small)) {
		f->heap = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!f->heap)
			return -ENOMEM;
		f->arg.buf = f->heap;
	}
	if (!(row->how & ARG_IN)) {
		memset(f->arg.buf, 0, size);
		return 0;
	}
	if (!copy_from_user(f->arg.buf, f->user, size))
		return 0;
	kfree(f->heap);
	return -EFAULT;
}

long ioctl_end(const struct ioctl_row *row, struct ioctl_frame *f, long ret)
{
	bool out = row->how == ARG_OUT || row->how == ARG_INOUT;

	if (out && ret >= 0 && copy_to_user(f->user, f->arg.buf, _IOC_SIZE(row->cmd)))
		ret = -EFAULT;
	kfree(f->heap);
	return ret;
}
