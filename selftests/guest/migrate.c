// SPDX-License-Identifier: GPL-2.0-only
/*
 * Save and restore a VM whose L2 is busy (l1/migrate.c), again and again:
 *
 *	migrate [OPTIONS] MODE
 *		-d DEVICE	-p PAYLOAD	-n COUNT	-s SEED
 *		-i		send L1 interrupts, and count them
 *		-l OFFER	a VM with no more than this other device offers
 *		-f FILE		what "save", "carry" and "resume" read and write
 *
 *	identity	what was saved, restored on the same vCPU and saved again is the same
 *	rounds		COUNT times into a new VM; the sum is right in the end
 *	orders		COUNT random orders of the restore: the same state, or refused
 *	hostile		COUNT damaged states: errno, and the vCPU still works
 *	close, kill	COUNT times the VM goes away, by close() or SIGKILL
 *	bench		ticks of GET and SET with L2 live
 *	offer		write what the device offers a VM
 *	save		a VM on its way, into FILE
 *	carry		from FILE, on its way, into FILE
 *	resume		from FILE to the end: the sum is right
 *
 * Exit status 0: as it should be.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "l1/migrate.h"
#include "snapshot.h"

#define WORK_PER_STOP	200	/* rounds of L2's loop: more than a stop takes, on average */

#define FEW_STOPS	50	/* where COUNT is of something else */
#define ORDERS_PER_STOP	4

static const char *payload = "/payload/l1-migrate.bin", *file = "/tmp/vm";
static const struct cpu_offer *limit;
static struct cpu_offer mine;
static unsigned long count = 50;
static bool interrupts;
static unsigned long sent;
static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u64 below(u64 n)
{
	return (rnd() >> 11) % n;
}

/* ---- one VM on its way ---- */

static struct kvm_run *volatile running;
static u32 exits_left;		/* 0: only a signal stops it */

static void on_alarm(int sig)
{
	(void)sig;
	if (running)
		running->immediate_exit = 1;
}

static void set_alarm(u32 us)
{
	struct itimerval t = { .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &t, NULL);
}

static void maybe_interrupt(struct vmm_vcpu *v)
{
	struct kvm_interrupt irq = { .irq = MIGRATE_VECTOR };

	if (!interrupts || !v->run->ready_for_interrupt_injection || !v->run->if_flag || below(3))
		return;
	if (!ioctl(v->fd, KVM_INTERRUPT, &irq))
		sent++;
}

static bool device(struct vmm_vcpu *v, void *ctx)
{
	struct kvm_run *run = v->run;

	(void)ctx;
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == MIGRATE_PORT) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			memset((u8 *)run + run->io.data_offset, 0xff, run->io.size * run->io.count);
	} else if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr >> 12 ==
		   MIGRATE_DEVICE >> 12) {
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, run->mmio.len);
	} else {
		return false;
	}
	/* The next KVM_RUN finishes the instruction, and that is all it does. */
	if (exits_left && !--exits_left)
		run->immediate_exit = 1;
	maybe_interrupt(v);
	return true;
}

/* A VM whose L2 has work for that many stops. */
static struct vmm *boot(unsigned long stops)
{
	struct vmm *vmm = vmm_create(MIGRATE_MEMORY);
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);
	volatile struct migrate *shared = (void *)(vmm->mem + MIGRATE_SHARED);

	if (limit)
		offer_limit(v, &mine, limit);
	vmm_load_file(vmm, payload);
	shared->iterations = stops * WORK_PER_STOP + 64;
	vmm_long_mode(v, VMM_LOAD_GPA);
	return vmm;
}

/* VMM_SIGNAL: stopped, after some exits or by a signal somewhere; else the payload's end. */
static int run_some(struct vmm_vcpu *v)
{
	int code;

	v->vmm->comment = true;
	v->vmm->exit = device;
	v->run->immediate_exit = 0;
	exits_left = below(3) ? 1 + below(10) : 0;
	running = v->run;
	/* By exits, too: a damaged L2 may have none. */
	set_alarm(exits_left ? 5000 : 200 + below(1500));
	code = vmm_run(v);
	set_alarm(0);
	running = NULL;
	v->run->immediate_exit = 0;
	return code;
}

static int run_out(struct vmm_vcpu *v)
{
	int code;

	do {
		code = run_some(v);
	} while (code == VMM_SIGNAL);
	return code;
}

/* 0: L1 found everything right, and has got every interrupt but perhaps the last. */
static int check_end(struct vmm *vmm, int code)
{
	const struct migrate *shared = (void *)(vmm->mem + MIGRATE_SHARED);
	unsigned long lost = sent - shared->interrupts;

	printf("# L2 did %lu rounds, sum 0x%lx, want 0x%lx; ", shared->done, shared->sum,
	       shared->want);
	printf("%lu of %lu interrupts, %lu timer exits\n", shared->interrupts, sent,
	       shared->timers);
	if (code == VMM_UNEXPECTED)
		printf("# %s\n", vmm_why(vmm));
	if (code || shared->strange)
		printf("# ended with %d, strange 0x%lx\n", code, shared->strange);
	return code || shared->strange || shared->sum != shared->want || lost > 1;
}

static int end(struct vmm *vmm, int code)
{
	int failed = check_end(vmm, code);

	vmm_destroy(vmm);
	return failed;
}

static bool is_l2(const struct vcpu_state *s)
{
	return s->nested.s.flags & KVM_STATE_NESTED_GUEST_MODE;
}

/* ---- modes ---- */

static int identity(void)
{
	static struct vcpu_state a, b;
	struct vmm *vmm = boot(count);
	struct vmm_vcpu *v = &vmm->vcpu[0];
	unsigned long stops = 0, in_l2 = 0;
	const char *why;
	int code;

	while ((code = run_some(v)) == VMM_SIGNAL && stops < count) {
		state_get(v, &a);
		why = state_set(v, &a, order_of_qemu);
		state_get(v, &b);
		if (!why)
			why = state_differs(&a, &b);
		if (why) {
			printf("# stop %lu, %s: %s\n", stops, is_l2(&a) ? "L2" : "L1", why);
			return 1;
		}
		stops++;
		in_l2 += is_l2(&a);
	}
	printf("# %lu stops, %lu of them in L2\n", stops, in_l2);
	if (code == VMM_SIGNAL)
		code = run_out(v);
	return end(vmm, code) || stops < count;
}

static const enum restore_step *known_order(unsigned long i)
{
	static const enum restore_step *const orders[] = {
		order_of_qemu, order_of_selftests, order_of_cloud_hypervisor, order_of_crosvm,
	};

	return orders[i % ARRAY_SIZE(orders)];
}

static int rounds(void)
{
	struct snapshot s = { .mem = NULL };
	unsigned long done = 0, in_l2 = 0, pending = 0;
	struct vmm *vmm = boot(count);
	const char *why;
	int code;

	while ((code = run_some(&vmm->vcpu[0])) == VMM_SIGNAL && done < count) {
		snapshot_take(&vmm->vcpu[0], &s);
		vmm_destroy(vmm);
		vmm = snapshot_build(&s, known_order(done), &why);
		if (why) {
			printf("# round %lu: %s: %s\n", done, why, strerror(errno));
			return 1;
		}
		done++;
		in_l2 += is_l2(&s.vcpu);
		pending += s.vcpu.nested.s.flags & KVM_STATE_NESTED_RUN_PENDING ? 1 : 0;
	}
	printf("# %lu times into a new VM, %lu of them in L2, %lu with an entry pending\n", done,
	       in_l2, pending);
	if (code == VMM_SIGNAL)
		code = run_out(&vmm->vcpu[0]);
	return end(vmm, code) || done < count;
}

static void shuffle(enum restore_step order[NR_STEPS])
{
	u32 i, j;

	for (i = 0; i < NR_STEPS; i++)
		order[i] = i;
	for (i = NR_STEPS - 1; i; i--) {
		enum restore_step t = order[i];

		j = below(i + 1);
		order[i] = order[j];
		order[j] = t;
	}
}

/* SET_REGS drops an exception that is pending, as in KVM: no order is right but events last. */
static bool events_are_lost(const struct vcpu_state *s, const enum restore_step order[NR_STEPS])
{
	u32 i;

	for (i = 0; i < NR_STEPS && order[i] != STEP_EVENTS; i++)
		if (order[i] == STEP_REGS)
			return false;
	return s->events.exception.pending || s->events.exception.injected;
}

static int try_order(const struct snapshot *s, unsigned long *refused)
{
	static struct vcpu_state again;
	enum restore_step order[NR_STEPS];
	const char *why;
	struct vmm *vmm;
	u32 i;

	shuffle(order);
	vmm = snapshot_build(s, order, &why);
	if (why) {
		++*refused;
		vmm_destroy(vmm);
		return 0;
	}
	state_get(&vmm->vcpu[0], &again);
	why = events_are_lost(&s->vcpu, order) ? NULL : state_differs(&s->vcpu, &again);
	vmm_destroy(vmm);
	if (!why)
		return 0;
	printf("# %s; order", why);
	for (i = 0; i < NR_STEPS; i++)
		printf(" %d", order[i]);
	printf("\n");
	return 1;
}

static int random_orders(void)
{
	struct snapshot s = { .mem = NULL };
	unsigned long tried = 0, refused = 0;
	struct vmm *vmm = boot(count / ORDERS_PER_STOP + 1);
	int failed = 0, code;
	u32 i;

	while ((code = run_some(&vmm->vcpu[0])) == VMM_SIGNAL && tried < count) {
		snapshot_take(&vmm->vcpu[0], &s);
		for (i = 0; i < ORDERS_PER_STOP; i++, tried++)
			failed |= try_order(&s, &refused);
	}
	if (code == VMM_SIGNAL)
		code = run_out(&vmm->vcpu[0]);
	printf("# %lu orders, %lu refused\n", tried, refused);
	return end(vmm, code) || failed || tried < count;
}

static int closes(void)
{
	unsigned long i;
	u32 n;

	for (i = 0; i < count; i++) {
		struct vmm *vmm = boot(FEW_STOPS);

		for (n = 1 + below(6); n && run_some(&vmm->vcpu[0]) == VMM_SIGNAL; n--)
			;
		vmm_destroy(vmm);
	}
	return 0;
}

/* The child says when L2 is on its way, and is killed somewhere after that. */
static int killed(void)
{
	int pipes[2], status;
	pid_t pid;
	char c;

	if (pipe(pipes))
		vmm_bail("pipe");
	pid = fork();
	if (!pid) {
		struct vmm *vmm = boot(FEW_STOPS);

		run_some(&vmm->vcpu[0]);
		c = 0;
		if (write(pipes[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			run_some(&vmm->vcpu[0]);
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1)
		return 1;
	close(pipes[0]);
	usleep(below(3000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return !WIFSIGNALED(status);
}

static int kills(void)
{
	unsigned long i;
	int failed = 0;

	for (i = 0; i < count; i++)
		failed |= killed();
	return failed;
}

/* ---- hostile states ---- */

static void damage(union nested_blob *b)
{
	static const u64 special[] = {
		0, ~0ull, 1, 0x1000, 0xfff, 1ull << 63, 1ull << 51, 0x100000, MIGRATE_SHARED,
		0x80000000, 0xffffffff, 0x11e57ed0, 0x91e57ed0,
	};
	u32 n = 1 + below(3), at;

	while (n--) {
		at = below(4) ? 128 + below(998) : below(40);
		switch (below(4)) {
		case 0:
			b->bytes[at] ^= 1 << below(8);
			break;
		case 1:
			b->bytes[at] = rnd();
			break;
		case 2:
			at &= ~7u;
			memcpy(b->bytes + at, &special[below(ARRAY_SIZE(special))], 8);
			break;
		default:
			b->s.size = below(2) ? below(NESTED_ROOM + 64) : rnd();
		}
	}
}

/* As on the day it was saved: memory and all. */
static struct vmm *back_to(struct vmm *vmm, const struct snapshot *s)
{
	const char *why;

	snapshot_memory(vmm, s);
	if (!state_set(&vmm->vcpu[0], &s->vcpu, order_of_qemu))
		return vmm;
	vmm_destroy(vmm);
	vmm = snapshot_build(s, order_of_qemu, &why);
	if (why)
		vmm_bail(why);
	return vmm;
}

static bool known_error(int error)
{
	return error == EINVAL || error == EFAULT || error == ENOMEM || error == E2BIG;
}

/* Of what was taken some runs for a moment, whatever it is that runs there. */
static int one_hostile(struct vmm **vmm, const struct snapshot *s, unsigned long *taken)
{
	struct vmm_vcpu *v = &(*vmm)->vcpu[0];
	union nested_blob b = s->vcpu.nested;
	int ret;

	damage(&b);
	ret = ioctl(v->fd, KVM_SET_NESTED_STATE, &b);
	if (ret < 0 && known_error(errno))
		return 0;
	if (ret) {
		printf("# %d: %s\n", ret, strerror(errno));
		return 1;
	}
	++*taken;
	if (*taken % 8) {
		state_set(v, &s->vcpu, order_of_qemu);
		return 0;
	}
	run_some(v);
	*vmm = back_to(*vmm, s);
	return 0;
}

static int hostile(void)
{
	struct snapshot s = { .mem = NULL };
	unsigned long i, taken = 0;
	struct vmm *vmm = boot(FEW_STOPS);
	int failed = 0;

	do {
		if (run_some(&vmm->vcpu[0]) != VMM_SIGNAL)
			return 1;
		snapshot_take(&vmm->vcpu[0], &s);
	} while (!is_l2(&s.vcpu));
	for (i = 0; i < count && !failed; i++) {
		failed = one_hostile(&vmm, &s, &taken);
		if (i % 256)
			continue;
		vmm = back_to(vmm, &s);
		failed |= run_some(&vmm->vcpu[0]) != VMM_SIGNAL;
	}
	printf("# %lu damaged states, %lu taken all the same\n", i, taken);
	sent = ((struct migrate *)(s.mem + MIGRATE_SHARED))->interrupts;
	vmm = back_to(vmm, &s);
	return end(vmm, run_out(&vmm->vcpu[0])) || failed;
}

/* ---- from one device to the other ---- */

static int write_offer(void)
{
	offer_write(&mine, file);
	return 0;
}

static int stop_and_write(struct vmm *vmm)
{
	struct snapshot s = { .mem = NULL };
	u32 tries = 100;

	do {
		if (run_some(&vmm->vcpu[0]) != VMM_SIGNAL)
			return end(vmm, 1) || 1;
		snapshot_take(&vmm->vcpu[0], &s);
	} while (!is_l2(&s.vcpu) && --tries);
	snapshot_write(&s, file);
	printf("# saved in L2 after %lu rounds\n",
	       ((struct migrate *)(s.mem + MIGRATE_SHARED))->done);
	vmm_destroy(vmm);
	return !tries;
}

/* ---- what it costs ---- */

static u64 ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static u64 median(u64 *t, u32 n)
{
	qsort(t, n, sizeof(*t), by_value);
	return t[n / 2];
}

/* A timer of L0 that is near interrupts at a steady pace in Bochs: meet it at any phase. */
static void any_phase(void)
{
	u64 end = ticks() + below(3000);

	while (ticks() < end)
		;
}

/* Of COUNT calls with L2 live: the least is what one costs without an interrupt. */
static int measure(void)
{
	struct vmm *vmm = boot(count);
	struct vmm_vcpu *v = &vmm->vcpu[0];
	static u64 get[1024], set[1024];
	union nested_blob b;
	u32 i;

	for (i = 0; i < count && i < ARRAY_SIZE(get); ) {
		if (run_some(v) != VMM_SIGNAL || nested_get(v, &b))
			return 1;
		if (!(b.s.flags & KVM_STATE_NESTED_GUEST_MODE))
			continue;
		b.s.size = sizeof(b);
		any_phase();
		get[i] = ticks();
		ioctl(v->fd, KVM_GET_NESTED_STATE, &b);
		get[i] = ticks() - get[i];
		any_phase();
		set[i] = ticks();
		ioctl(v->fd, KVM_SET_NESTED_STATE, &b);
		set[i] = ticks() - set[i];
		i++;
	}
	printf("# medians: GET %llu, SET %llu ticks\n", median(get, i), median(set, i));
	printf("bench state_get %llu\n", get[0]);
	printf("bench state_set %llu\n", set[0]);
	printf("bench state_bytes %u\n", b.s.size);
	vmm_destroy(vmm);
	return 0;
}

static int save(void)
{
	return stop_and_write(boot(count));
}

static struct vmm *read_back(void)
{
	struct snapshot s;
	const char *why;
	struct vmm *vmm;

	snapshot_read(&s, file);
	vmm = snapshot_build(&s, order_of_qemu, &why);
	if (!why)
		return vmm;
	printf("# %s: %s\n", why, strerror(errno));
	return NULL;
}

static int carry(void)
{
	struct vmm *vmm = read_back();

	return vmm ? stop_and_write(vmm) : 1;
}

static int resume(void)
{
	struct vmm *vmm = read_back();

	return vmm ? end(vmm, run_out(&vmm->vcpu[0])) : 1;
}

/* ---- */

enum { HUGE_PAGES, SMALL_PAGES };	/* the latter where VMs come and go by the hundred */

static const struct mode {
	const char *name;
	int (*run)(void);
	int pages;
} modes[] = {
	{ "identity", identity, HUGE_PAGES },
	{ "rounds", rounds, SMALL_PAGES },
	{ "orders", random_orders, SMALL_PAGES },
	{ "hostile", hostile, SMALL_PAGES },
	{ "close", closes, SMALL_PAGES },
	{ "kill", kills, SMALL_PAGES },
	{ "bench", measure, HUGE_PAGES },
	{ "offer", write_offer, SMALL_PAGES },
	{ "save", save, HUGE_PAGES },
	{ "carry", carry, HUGE_PAGES },
	{ "resume", resume, HUGE_PAGES },
};

static int start(const struct mode *mode)
{
	if (mode->pages == SMALL_PAGES && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		vmm_bail("PR_SET_THP_DISABLE");
	return mode->run();
}

static const struct cpu_offer *read_offer(const char *path)
{
	static struct cpu_offer other;

	offer_read(&other, path);
	return &other;
}

static int usage(void)
{
	static const char options[] =
		"[-i] [-d DEVICE] [-p PAYLOAD] [-n COUNT] [-s SEED] [-l OFFER] [-f FILE] MODE";

	fprintf(stderr, "migrate %s\n", options);
	return 2;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	int option;
	u32 i;

	while ((option = getopt(argc, argv, "d:p:n:s:l:f:i")) != -1) {
		if (option == 'd')
			vmm_set_device(optarg);
		else if (option == 'p')
			payload = optarg;
		else if (option == 'n')
			count = strtoul(optarg, NULL, 0);
		else if (option == 's')
			seed ^= strtoul(optarg, NULL, 0) * 0x9e3779b97f4a7c15ull;
		else if (option == 'l')
			limit = read_offer(optarg);
		else if (option == 'f')
			file = optarg;
		else if (option == 'i')
			interrupts = true;
		else
			return usage();
	}
	if (optind + 1 != argc)
		return usage();
	sigaction(SIGALRM, &action, NULL);
	offer_get(&mine);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(argv[optind], modes[i].name))
			return start(&modes[i]);
	return usage();
}
