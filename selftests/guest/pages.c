// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large, merged, moved and logged pages under a running L2: pages PAYLOAD [NAME...]
 *
 * PAYLOAD is l1/pages.c, which counts in memory and notices when a counter is wrong.  A test says
 * what the tables must have then, by the counters of the VM, and is skipped where the host lacks
 * such pages (hugepagesz=1G hugepages=1, KSM, a second node).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm.h"
#include "l1/pages.h"

#define PAGE		4096ul
#define SIZE_2M		(2ul << 20)
#define SIZE_1G		BIT_ULL(30)
#define SMALL		(2 * SIZE_2M)		/* the data, where many pages are of use */
#define NR_SMALL	(SMALL / PAGE)
#define KSM		"/sys/kernel/mm/ksm/"
#define MOVES		6
#define RING_ENTRIES	16384u
#define RING_BYTES	(RING_ENTRIES * sizeof(struct kvm_dirty_gfn))
#define PATIENCE	3000u
#define MOMENT		1000			/* microseconds */
#define COLLAPSE	25			/* MADV_COLLAPSE */

enum result { PASS, FAIL, SKIPPED = 4 };

static struct vmm *vmm;
static volatile struct pages *shared;
static volatile int ended;			/* the vCPU's thread has come back */
static pthread_t thread;

static u64 counter(const char *name)
{
	static u8 image[16384];
	struct kvm_stats_header *head = (void *)image;
	int fd = ioctl(vmm->fd, KVM_GET_STATS_FD, 0);
	struct kvm_stats_desc *d;
	u32 i;

	if (fd < 0 || read(fd, image, sizeof(image)) <= 0)
		vmm_bail("KVM_GET_STATS_FD");
	close(fd);
	for (i = 0; i < head->num_desc; i++) {
		d = (void *)(image + head->desc_offset + i * (sizeof(*d) + head->name_size));
		if (!strcmp(d->name, name))
			return *(u64 *)(image + head->data_offset + d->offset);
	}
	vmm_bail(name);
}

static bool counter_is(const char *name, u64 want)
{
	u64 got = counter(name);

	if (got != want)
		fprintf(stderr, "# %s is %llu, not %llu\n", name, got, want);
	return got == want;
}

static bool large(const char *size, u64 l1, u64 l2)
{
	char name[32];

	snprintf(name, sizeof(name), "ept02_pages_%s", size);
	return counter_is(name + strlen("ept02_"), l1) && counter_is(name, l2);
}

static void *run(void *arg)
{
	struct vmm_vcpu *v = arg;
	int code = vmm_run(v);

	if (code)
		fprintf(stderr, "# ended with %d %s\n", code, vmm_why(vmm));
	ended = 1;
	return NULL;
}

/* Wait for so many rounds more, all of them right. */
static bool rounds_more(u64 more)
{
	u64 until = shared->rounds + more;
	u32 i;

	for (i = 0; i < PATIENCE && shared->rounds < until && !ended; i++)
		usleep(MOMENT);
	if (shared->rounds < until || shared->mismatches)
		fprintf(stderr, "# %lu rounds, %lu mismatches\n", shared->rounds,
			shared->mismatches);
	return shared->rounds >= until && !shared->mismatches;
}

static u8 *memory(size_t size, int flags)
{
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		     -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Small pages, at an address where large ones can be. */
static u8 *small_memory(void)
{
	u8 *p = memory(SMALL + SIZE_2M, 0);

	if (!p)
		vmm_bail("mmap");
	p = (u8 *)(((uintptr_t)p | (SIZE_2M - 1)) + 1);
	madvise(p, SMALL, MADV_NOHUGEPAGE);
	return p;
}

/* L1 and L2 count; the VM has no vCPU yet. */
static bool boot(const char *payload, u8 *data, size_t size, u64 step)
{
	vmm_set_slot(vmm, 1, 0, PAGES_DATA, size, data);
	vmm_load_file(vmm, payload);
	shared = (void *)(vmm->mem + PAGES_SHARED);
	shared->end = PAGES_DATA + size;
	shared->step = step;
	shared->counts = 1;
	vmm_long_mode(vmm_add_vcpu(vmm), VMM_LOAD_GPA);
	if (pthread_create(&thread, NULL, run, &vmm->vcpu[0]))
		vmm_bail("pthread_create");
	return rounds_more(4);
}

static bool start(const char *payload, u8 *data, size_t size, u64 step)
{
	vmm = vmm_create(16 << 20);
	return boot(payload, data, size, step);
}

static enum result finish(bool ok)
{
	if (!ok)
		return FAIL;
	shared->stop = 1;
	pthread_join(thread, NULL);
	vmm_destroy(vmm);
	return PASS;
}

/* Logging needs small pages; afterwards the large one comes back. */
static bool logged(u8 *data)
{
	vmm_set_slot(vmm, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGES_DATA, SIZE_1G, data);
	if (!rounds_more(2) || !large("1g", 0, 0))
		return false;
	vmm_set_slot(vmm, 1, 0, PAGES_DATA, SIZE_1G, data);
	return rounds_more(4) && large("1g", 1, 1);
}

static enum result page_of_1g(const char *payload)
{
	u8 *data = memory(SIZE_1G, MAP_HUGETLB | 30 << MAP_HUGE_SHIFT);

	if (!data)
		return SKIPPED;
	return finish(start(payload, data, SIZE_1G, SIZE_2M + PAGE) && large("1g", 1, 1) &&
		      logged(data));
}

static enum result pages_of_2m(const char *payload)
{
	u8 *data = small_memory();
	u64 l1, l2;

	if (!start(payload, data, SMALL, PAGE))
		return FAIL;
	l1 = counter("pages_2m");
	l2 = counter("ept02_pages_2m");
	madvise(data, SMALL, MADV_HUGEPAGE);
	if (madvise(data, SMALL, COLLAPSE))
		return errno == EINVAL ? SKIPPED : FAIL;
	if (!rounds_more(4) || !large("2m", l1 + 2, l2 + 2))
		return FAIL;
	/* A page with other rights splits the one around it. */
	mprotect(data + 5 * PAGE, PAGE, PROT_READ);
	mprotect(data + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	madvise(data + 7 * PAGE, PAGE, MADV_NOHUGEPAGE);
	return finish(rounds_more(4) && large("2m", l1 + 1, l2 + 1));
}

static bool ksm_set(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY);
	bool ok = fd >= 0 && write(fd, value, strlen(value)) > 0;

	close(fd);
	return ok;
}

static u64 ksm_sharing(void)
{
	u64 n = 0;
	FILE *f = fopen(KSM "pages_sharing", "r");

	if (!f || fscanf(f, "%llu", &n) != 1)
		vmm_bail("pages_sharing");
	fclose(f);
	return n;
}

static bool ksm_merges(u64 at_least)
{
	u32 i;

	for (i = 0; i < PATIENCE && ksm_sharing() < at_least; i++)
		usleep(MOMENT);
	fprintf(stderr, "# %llu pages share\n", ksm_sharing());
	return ksm_sharing() >= at_least;
}

/* All pages have one content while L1 and L2 only look at them. */
static enum result merged_pages(const char *payload)
{
	u8 *data = small_memory();
	bool ok;

	if (!ksm_set(KSM "pages_to_scan", "2000") || !ksm_set(KSM "sleep_millisecs", "5"))
		return SKIPPED;
	if (!start(payload, data, SMALL, PAGE))
		return FAIL;
	shared->counts = 0;
	ok = rounds_more(2) && !madvise(data, SMALL, MADV_MERGEABLE) && ksm_set(KSM "run", "1") &&
	     ksm_merges(NR_SMALL * 9 / 10) && rounds_more(4);
	ksm_set(KSM "run", "0");
	/* Each counter takes a copy: a page that stays shared counts for the others, too. */
	shared->counts = 1;
	return finish(ok && rounds_more(4));
}

/* A page that is being mapped cannot move at that moment. */
static bool move_to(int node, u8 *data)
{
	static void *page[NR_SMALL];
	static int nodes[NR_SMALL], status[NR_SMALL];
	u32 i, there, tries;

	for (i = 0; i < NR_SMALL; i++) {
		page[i] = data + i * PAGE;
		nodes[i] = node;
	}
	for (tries = 0; tries < 50; tries++) {
		syscall(SYS_move_pages, 0, NR_SMALL, page, nodes, status, 2 /* MPOL_MF_MOVE */);
		syscall(SYS_move_pages, 0, NR_SMALL, page, NULL, status, 0);
		for (i = there = 0; i < NR_SMALL; i++)
			there += status[i] == node;
		if (there == NR_SMALL)
			return true;
	}
	fprintf(stderr, "# %u pages are on node %d\n", there, node);
	return false;
}

/* All that the process has, L1's tables and vmcs12 among it. */
static bool move_all_to(int node, u8 *data)
{
	unsigned long to = 1ul << node, from = 3 - to;

	(void)data;
	return syscall(SYS_migrate_pages, 0, 8, &from, &to) >= 0;
}

static enum result moved(const char *payload, bool (*move)(int node, u8 *data))
{
	u8 *data = small_memory();
	bool ok;
	int n;

	if (access("/sys/devices/system/node/node1", F_OK))
		return SKIPPED;
	ok = start(payload, data, SMALL, PAGE);
	for (n = 1; ok && n <= MOVES; n++)
		ok = move(n & 1, data) && rounds_more(2);
	return finish(ok);
}

static enum result moved_pages(const char *payload)
{
	return moved(payload, move_to);
}

static enum result moved_process(const char *payload)
{
	return moved(payload, move_all_to);
}

/* How many of the data's pages were written since the last call, as the ring tells. */
static u32 take_ring(struct kvm_dirty_gfn *ring)
{
	bool seen[NR_SMALL] = { };
	static u32 next;
	struct kvm_dirty_gfn *e = &ring[next % RING_ENTRIES];
	u32 n = 0;

	while (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) == KVM_DIRTY_GFN_F_DIRTY) {
		if (e->slot == 1 && e->offset < NR_SMALL && !seen[e->offset]) {
			seen[e->offset] = true;
			n++;
		}
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		e = &ring[++next % RING_ENTRIES];
	}
	ioctl(vmm->fd, KVM_RESET_DIRTY_RINGS, 0);
	return n;
}

static bool ring_has(struct kvm_dirty_gfn *ring, u32 want)
{
	u32 n = take_ring(ring);

	if (n != want)
		fprintf(stderr, "# the ring tells of %u pages, not of %u\n", n, want);
	return n == want;
}

/* L1 only looks: what the ring tells of was written through ept02. */
static enum result ring_of_l2(const char *payload)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { RING_BYTES } };
	struct kvm_dirty_gfn *ring;
	u8 *data = small_memory();
	bool ok;

	vmm = vmm_create(16 << 20);
	if (ioctl(vmm->fd, KVM_ENABLE_CAP, &cap) || !boot(payload, data, SMALL, PAGE))
		return FAIL;
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, vmm->vcpu[0].fd,
		    KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
	if (ring == MAP_FAILED)
		return FAIL;
	shared->l1_looks = 1;
	ok = rounds_more(2);
	vmm_set_slot(vmm, 1, KVM_MEM_LOG_DIRTY_PAGES, PAGES_DATA, SMALL, data);
	ok = ok && rounds_more(4) && ring_has(ring, NR_SMALL) &&
	     rounds_more(4) && ring_has(ring, NR_SMALL);
	shared->counts = 0;
	ok = ok && rounds_more(2);
	take_ring(ring);
	return finish(ok && rounds_more(4) && ring_has(ring, 0));
}

static const struct {
	const char *name;
	enum result (*try)(const char *payload);
} tests[] = {
	{ "page_of_1g", page_of_1g },
	{ "pages_of_2m", pages_of_2m },
	{ "merged_pages", merged_pages },
	{ "moved_pages", moved_pages },
	{ "moved_process", moved_process },
	{ "ring_of_l2", ring_of_l2 },
};

/* In a process of its own; what the payload prints is of no use. */
static enum result try(u32 i, const char *payload)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(FAIL);
		_exit(tests[i].try(payload));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return FAIL;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int n = 0, failed = 0;
	enum result result;
	u32 i;

	if (argc < 2)
		return 2;
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!vmm_wanted(tests[i].name, argc, argv))
			continue;
		fflush(stdout);
		result = try(i, argv[1]);
		failed += result != PASS && result != SKIPPED;
		printf("%s %d - %s%s\n", result == PASS || result == SKIPPED ? "ok" : "not ok", ++n,
		       tests[i].name, result == SKIPPED ? " # SKIP not on this host" : "");
	}
	printf("1..%d\n", n);
	return failed != 0;
}
