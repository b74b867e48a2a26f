/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What absent.c here and l1/absent.c have agreed on.
 */
#ifndef ABSENT_H
#define ABSENT_H

#define ABSENT_DATA	0x2000000ull	/* pages that user space has not given yet */
#define ABSENT_PAGES	16ul
#define ABSENT_WORD	0x5eedf00dull	/* what each begins with */
#define PORT_HOLD	0x510		/* the next page is given when the payload asks for it */
#define PORT_GIVE	0x511

#endif
