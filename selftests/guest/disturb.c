// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disturb the memory of a VM while L1 and L2 work on it: disturb PAYLOAD [NAME...]
 *
 * PAYLOAD is l1/disturb.c.  Some ways keep contents: then L1 and L2 must find what they have
 * written and see no exit that they do not expect.  The others take away or rewrite the pages that
 * nested state hangs on: then L1 must see that something is wrong, and be able to set L2 up again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm.h"
#include "l1/disturb.h"

#define PAGE		4096ul
#define ARENA_SIZE	(DISTURB_ARENA_END - DISTURB_ARENA)
#define HALF		(DISTURB_DATA_MIDDLE - DISTURB_DATA)
#define AWAY		0x40000000ull		/* where a slot is moved to */
#define MANY		3000u
#define TURNS		6u
#define PATIENCE	2000u
#define NOTICE		20u
#define FLIPS		20000u
#define MOMENT		200			/* microseconds: the vCPU's turn */

enum { SLOT_MAIN, SLOT_ARENA, SLOT_FILE, SLOT_ANON, SLOT_MANY };
enum effect { KEEPS, LOSES };

struct way {
	const char *name;
	enum effect effect;
	void (*turn)(u32 n);
};

static struct vmm *vmm;
static volatile struct disturb *shared;
static u8 *arena, *file_half, *anon_half;
static int file;
static volatile int ended;		/* the vCPU's thread has come back */

static void slot(u32 id, u32 flags, u64 gpa, size_t size, void *host)
{
	vmm_set_slot(vmm, id, flags, gpa, size, host);
}

static u64 noticed(void)
{
	return shared->repairs + shared->mismatches;
}

/* Until L1 has noticed, but not for ever: it may have no need of what is gone. */
static void let_it_notice(void)
{
	u64 before = noticed();
	u32 i;

	for (i = 0; i < NOTICE && noticed() == before && !ended; i++)
		usleep(MOMENT);
}

static void drop_pages(u32 n)
{
	(void)n;
	madvise(file_half, HALF, MADV_DONTNEED);
}

static void unmap_and_map(u32 n)
{
	(void)n;
	munmap(file_half, HALF / 2);
	if (mmap(file_half, HALF / 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) ==
	    MAP_FAILED)
		vmm_bail("mmap");
}

static void fork_and_write(u32 n)
{
	pid_t pid = fork();
	size_t i;

	if (!pid) {
		for (i = 0; i < HALF; i += PAGE)
			anon_half[i + n] = 0x55;	/* the child's copy */
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void protect(u32 n)
{
	mprotect(anon_half, HALF, n & 1 ? PROT_READ : PROT_NONE);
	usleep(MOMENT);
	mprotect(anon_half, HALF, PROT_READ | PROT_WRITE);
}

static void huge_pages(u32 n)
{
	madvise(anon_half, HALF, n & 1 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	/* Where the kernel can, it makes one of many now, and splits it again at once. */
	madvise(anon_half, HALF, 25 /* MADV_COLLAPSE */);
	mprotect(anon_half + PAGE * n, PAGE, PROT_READ);
	mprotect(anon_half + PAGE * n, PAGE, PROT_READ | PROT_WRITE);
}

static void log_dirty(u32 n)
{
	static u64 bits[HALF / PAGE / 64];
	struct kvm_dirty_log log = { .slot = SLOT_FILE, .dirty_bitmap = bits };

	slot(SLOT_FILE, KVM_MEM_LOG_DIRTY_PAGES, DISTURB_DATA, HALF, file_half);
	if (ioctl(vmm->fd, KVM_GET_DIRTY_LOG, &log))
		vmm_bail("KVM_GET_DIRTY_LOG");
	if (n & 1)
		slot(SLOT_FILE, 0, DISTURB_DATA, HALF, file_half);
}

static void many_slots(u32 n)
{
	u32 i;

	for (i = 0; i < MANY / TURNS; i++)
		slot(SLOT_MANY + n * (MANY / TURNS) + i, 0,
		     AWAY + (n * (u64)(MANY / TURNS) + i) * 2 * PAGE, PAGE, arena);
}

static void delete_and_create_arena(u32 n)
{
	(void)n;
	slot(SLOT_ARENA, 0, 0, 0, NULL);
	let_it_notice();
	slot(SLOT_ARENA, 0, DISTURB_ARENA, ARENA_SIZE, arena);
}

static void move_arena(u32 n)
{
	(void)n;
	slot(SLOT_ARENA, 0, AWAY, ARENA_SIZE, arena);
	let_it_notice();
	slot(SLOT_ARENA, 0, DISTURB_ARENA, ARENA_SIZE, arena);
}

static void empty_arena(u32 n)
{
	madvise(arena + n % 5 * PAGE, PAGE, MADV_DONTNEED);
	let_it_notice();
}

static void unmap_arena(u32 n)
{
	u8 *page = arena + n % 5 * PAGE;

	munmap(page, PAGE);
	let_it_notice();
	page = mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0);
	if (page == MAP_FAILED)
		vmm_bail("mmap");
}

static void delete_data(u32 n)
{
	(void)n;
	slot(SLOT_ANON, 0, 0, 0, NULL);
	let_it_notice();
	slot(SLOT_ANON, 0, DISTURB_DATA_MIDDLE, HALF, anon_half);
}

/* Now and then it is the vCPU's turn, if there is one processor for both. */
static void pause_at(u32 i)
{
	if (i % (FLIPS / 8) == 0)
		usleep(MOMENT);
}

/* CVE-2021-29657: what was checked must be what is used. */
static void flip_controls(u32 n)
{
	/* Pin, processor, exceptions, exit, entry, secondary: as nvmx and KVM lay them out. */
	static const u16 offset[] = { 744, 748, 752, 768, 780, 804 };
	u32 i;

	for (i = 0; i < FLIPS; i++) {
		*(volatile u32 *)(arena + offset[(i + n) % ARRAY_SIZE(offset)]) ^= 1u << i % 32;
		pause_at(i);
	}
}

static void flip_bitmap(u32 n)
{
	volatile u64 *bits = (u64 *)(arena + PAGE);
	u32 i;

	for (i = 0; i < FLIPS; i++) {
		bits[(i * 7 + n) % 512] = i & 1 ? ~0ull : 0;
		pause_at(i);
	}
}

/* Rights, types, sizes and reserved bits of ept12; never another address. */
static void flip_tables(u32 n)
{
	volatile u64 *entry = (u64 *)(arena + 2 * PAGE);
	u32 i;

	for (i = 0; i < FLIPS; i++) {
		entry[(i + n) % 3 * 512 + (i & 15)] ^= 1ull << (i & 1 ? i % 12 : 52 + i % 12);
		pause_at(i);
	}
}

static const struct way ways[] = {
	{ "drop_pages", KEEPS, drop_pages },
	{ "unmap_and_map", KEEPS, unmap_and_map },
	{ "fork_and_write", KEEPS, fork_and_write },
	{ "protect", KEEPS, protect },
	{ "huge_pages", KEEPS, huge_pages },
	{ "log_dirty", KEEPS, log_dirty },
	{ "many_slots", KEEPS, many_slots },
	{ "delete_and_create_arena", LOSES, delete_and_create_arena },
	{ "move_arena", LOSES, move_arena },
	{ "empty_arena", LOSES, empty_arena },
	{ "unmap_arena", LOSES, unmap_arena },
	{ "delete_data", LOSES, delete_data },
	{ "flip_controls", LOSES, flip_controls },
	{ "flip_bitmap", LOSES, flip_bitmap },
	{ "flip_tables", LOSES, flip_tables },
};

/* A hole in memory reads as ones and takes anything. */
static bool hole(struct vmm_vcpu *v, void *ctx)
{
	(void)ctx;
	if (v->run->exit_reason == KVM_EXIT_MMIO && !v->run->mmio.is_write)
		memset(v->run->mmio.data, 0xff, sizeof(v->run->mmio.data));
	return v->run->exit_reason == KVM_EXIT_MMIO;
}

/* A page that is not there for a moment is asked for again. */
static void *run(void *arg)
{
	struct vmm_vcpu *v = arg;
	int code;

	do
		code = vmm_run(v);
	while (code == VMM_UNEXPECTED && errno == EFAULT && strstr(vmm_why(vmm), "KVM_RUN"));
	if (code)
		fprintf(stderr, "# ended with %d %s\n", code, vmm_why(vmm));
	ended = 1;
	return code ? v : NULL;
}

/* Wait for so many rounds more; false when they do not come. */
static bool rounds_more(u64 more)
{
	u64 until = shared->rounds + more;
	u32 i;

	for (i = 0; i < PATIENCE && shared->rounds < until && !ended; i++)
		usleep(MOMENT);
	return shared->rounds >= until;
}

static void create(const char *payload)
{
	vmm = vmm_create(16 << 20);
	vmm->exit = hole;
	file = memfd_create("data", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, HALF))
		vmm_bail("memfd");
	arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file_half = mmap(NULL, HALF, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	anon_half = aligned_alloc(2 << 20, HALF);
	if (arena == MAP_FAILED || file_half == MAP_FAILED || !anon_half)
		vmm_bail("mmap");
	memset(anon_half, 0, HALF);
	slot(SLOT_ARENA, 0, DISTURB_ARENA, ARENA_SIZE, arena);
	slot(SLOT_FILE, 0, DISTURB_DATA, HALF, file_half);
	slot(SLOT_ANON, 0, DISTURB_DATA_MIDDLE, HALF, anon_half);
	vmm_load_file(vmm, payload);
	shared = (void *)(vmm->mem + DISTURB_SHARED);
	shared->pattern[0] = 0x5a5aa5a512345678;
	shared->pattern[1] = 0xc3c33c3c9abcdef0;
	vmm_long_mode(vmm_add_vcpu(vmm), VMM_LOAD_GPA);
}

static bool disturbed(const struct way *w)
{
	u32 n;

	for (n = 0; n < TURNS && !ended; n++) {
		w->turn(n);
		if (w->effect == KEEPS && !rounds_more(1))
			return false;
	}
	/* Afterwards it goes on. */
	if (!rounds_more(4))
		return false;
	shared->stop = 1;
	return (noticed() != 0) == (w->effect == LOSES);
}

static int try_way(const char *payload, const struct way *w)
{
	pthread_t thread;
	void *bad;
	bool ok;

	if (!freopen("/dev/null", "w", stdout))
		return 1;
	create(payload);
	if (pthread_create(&thread, NULL, run, &vmm->vcpu[0]))
		vmm_bail("pthread_create");
	ok = rounds_more(2) && disturbed(w);
	fprintf(stderr, "# %lu rounds, %lu repairs, %lu mismatches\n", shared->rounds,
		shared->repairs, shared->mismatches);
	if (!ok)
		return 1;
	pthread_join(thread, &bad);
	vmm_destroy(vmm);
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	int status, n = 0, failed = 0;
	pid_t pid;
	u32 i;

	if (argc < 2)
		return 2;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!vmm_wanted(ways[i].name, argc, argv))
			continue;
		fflush(stdout);
		pid = fork();
		if (!pid)
			_exit(try_way(argv[1], &ways[i]));
		if (waitpid(pid, &status, 0) != pid)
			status = 1;
		failed += status != 0;
		printf("%s %d - %s\n", status ? "not ok" : "ok", ++n, ways[i].name);
	}
	printf("1..%d\n", n);
	return failed != 0;
}
