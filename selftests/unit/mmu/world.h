/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host and a CPU for tests of the tables: frames that the host moves about, a TLB that remembers
 * everything until it is flushed, and page-structure caches that keep tables from being freed.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <ept.h>
#include <ept02.h>

#include "memory.h"

/* A run of L1 frames that the host backs: with one large page, or frame by frame. */
struct block {
	u64 gfn;
	u64 frames;		/* 512, or 1 << 18 for the 1G block */
	u8 level;		/* at which the host maps it now */
	u64 pfn;		/* of the first frame, for level > 1 */
	u64 small[512];		/* per frame, for level 1 */
	bool logged;
	bool readonly;
	unsigned int moving;	/* announced invalidations that have not ended */
	unsigned int taking;	/* log readers that have not returned: their flush is due */
	u8 dirty[512];
};

#define NR_BLOCKS	8
#define BLOCK_1G	7

extern struct block blocks[NR_BLOCKS];
extern struct ept_space space;
#define ROOT01	space.root01[MMU_NORMAL]
extern unsigned long notifier_seq;
extern unsigned int flushes;
extern long live_pages;			/* table pages that exist */
extern void (*during_flush)(void);	/* another CPU, while one waits for its flush */

void world_init(bool ad, bool small_exec);
void world_exit(void);

struct block *block_of(u64 gfn);
u64 host_pfn(u64 gfn);
bool may_be_written(u64 gfn);		/* without being noticed */
u64 gfn_of_pfn(u64 pfn);		/* ~0: the host has it no more */
void host_move(struct block *b, u8 level);	/* other frames for all of it */
void host_move_frame(u64 gfn);		/* level 1 only */
void host_take_bit(u64 gfn);		/* a dirty-log reader */
void host_log(struct block *b, bool on);
void host_age(u64 gfn);

/* What the CPU finds in the tables. */
struct hw_leaf {
	u64 pfn;		/* of the 4K page */
	u32 perm;
	u8 level;
};

bool hw_walk(const struct ept_table *root, u64 frame, struct hw_leaf *leaf);
void hw_access(const struct ept_table *root, u64 frame);	/* fills TLB and caches */
const char *tlb_broken(void);		/* NULL: all that is cached is still true */

/* Faults as fault.c handles them; MISS etc. never show. */
enum fault_end { FAULT_FIXED, FAULT_RETRY, FAULT_REPORT, FAULT_MMIO };
extern void (*during_fault)(void);	/* another CPU, while the lock is not held */
extern void (*after_walk)(void);	/* what ept12 said just now is allowed */
enum fault_end fault02(struct ept02 *t, u64 ngpa, u32 access, struct nvmx_fault *f);
enum fault_end fault01(u64 gpa, u32 access);
extern unsigned int revived;

/* The books of all trees against their contents; NULL: they agree. */
const char *books_broken(void);

#endif
