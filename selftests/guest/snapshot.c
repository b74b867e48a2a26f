// SPDX-License-Identifier: GPL-2.0-only
/*
 * All of a VM with one vCPU; see snapshot.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "snapshot.h"

#define PAGE			4096
#define MSR_TSC			0x10
#define MSR_FEATURE_CONTROL	0x3a
#define MSR_TSC_ADJUST		0x3b
#define MSR_VMX_FIRST		0x480
#define MSR_VMX_VMFUNC		0x491
#define MSR_VMX_LAST		0x491
#define MSR_HV_VP_RUNTIME	0x40000010
#define MSR_HV_TIME_REF_COUNT	0x40000020

const enum restore_step order_of_qemu[NR_STEPS] = {
	STEP_SREGS, STEP_NESTED, STEP_REGS, STEP_XSAVE, STEP_XCRS, STEP_MSRS, STEP_EVENTS, STEP_MP,
	STEP_DEBUG,
};

const enum restore_step order_of_selftests[NR_STEPS] = {
	STEP_SREGS, STEP_MSRS, STEP_XCRS, STEP_XSAVE, STEP_EVENTS, STEP_MP, STEP_DEBUG, STEP_REGS,
	STEP_NESTED,
};

const enum restore_step order_of_cloud_hypervisor[NR_STEPS] = {
	STEP_MP, STEP_REGS, STEP_SREGS, STEP_XSAVE, STEP_XCRS, STEP_NESTED, STEP_MSRS, STEP_EVENTS,
	STEP_DEBUG,
};

const enum restore_step order_of_crosvm[NR_STEPS] = {
	STEP_REGS, STEP_SREGS, STEP_DEBUG, STEP_XCRS, STEP_MSRS, STEP_XSAVE, STEP_EVENTS, STEP_MP,
	STEP_NESTED,
};

static void must(int failed, const char *what)
{
	if (failed)
		vmm_bail(what);
}

static bool has_xcrs(struct vmm_vcpu *v)
{
	return vmm_check(v->vmm->dev, KVM_CAP_XCRS) > 0;
}

static bool is_vmx_msr(u32 index)
{
	return index >= MSR_VMX_FIRST && index <= MSR_VMX_LAST;
}

/* ---- one vCPU ---- */

static void msr_list(int dev, struct msr_set *set)
{
	struct {
		struct kvm_msr_list head;
		u32 index[SNAPSHOT_MSRS];
	} list = { .head.nmsrs = SNAPSHOT_MSRS };
	u32 i;

	must(ioctl(dev, KVM_GET_MSR_INDEX_LIST, &list), "KVM_GET_MSR_INDEX_LIST");
	set->head.nmsrs = list.head.nmsrs;
	for (i = 0; i < list.head.nmsrs; i++)
		set->entry[i] = (struct kvm_msr_entry){ .index = list.head.indices[i] };
}

/* KVM lists MSRs that the vCPU's CPUID then hides: those are left out. */
static void msrs_get(struct vmm_vcpu *v, struct msr_set *set)
{
	u32 i, kept = 0;

	msr_list(v->vmm->dev, set);
	for (i = 0; i < set->head.nmsrs; i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} one = { .head.nmsrs = 1, .entry = set->entry[i] };

		if (ioctl(v->fd, KVM_GET_MSRS, &one) == 1)
			set->entry[kept++] = one.entry;
	}
	set->head.nmsrs = kept;
}

static bool msr_set_one(struct vmm_vcpu *v, u32 index, u64 data)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = index, .data = data } };

	return ioctl(v->fd, KVM_SET_MSRS, &one) == 1;
}

/* TSC_ADJUST goes before the TSC, which is the one that counts. */
static bool msrs_set(struct vmm_vcpu *v, const struct msr_set *set)
{
	struct msr_set known;
	bool good = true;
	u64 tsc = 0;
	u32 i, j;

	msr_list(v->vmm->dev, &known);
	for (i = 0; i < set->head.nmsrs; i++) {
		const struct kvm_msr_entry *e = &set->entry[i];

		for (j = 0; j < known.head.nmsrs; j++)
			if (known.entry[j].index == e->index)
				break;
		/* What the other KVM has and this one has not is of no use to it. */
		if (j == known.head.nmsrs)
			continue;
		if (e->index == MSR_TSC)
			tsc = e->data;
		else if (!msr_set_one(v, e->index, e->data) && e->data && !is_vmx_msr(e->index))
			good = false;
	}
	return msr_set_one(v, MSR_TSC, tsc) && good;
}

const char *nested_get(struct vmm_vcpu *v, union nested_blob *b)
{
	memset(b, 0, sizeof(*b));
	b->s.size = sizeof(*b);
	return ioctl(v->fd, KVM_GET_NESTED_STATE, b) ? "KVM_GET_NESTED_STATE" : NULL;
}

/* In the order of QEMU: events first. */
void state_get(struct vmm_vcpu *v, struct vcpu_state *s)
{
	memset(s, 0, sizeof(*s));
	s->cpuid.head.nent = VMM_MAX_CPUID;
	must(ioctl(v->fd, KVM_GET_CPUID2, &s->cpuid), "KVM_GET_CPUID2");
	must(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &s->events), "KVM_GET_VCPU_EVENTS");
	must(ioctl(v->fd, KVM_GET_MP_STATE, &s->mp), "KVM_GET_MP_STATE");
	must(ioctl(v->fd, KVM_GET_REGS, &s->regs), "KVM_GET_REGS");
	must(ioctl(v->fd, KVM_GET_XSAVE, &s->xsave), "KVM_GET_XSAVE");
	if (has_xcrs(v))
		must(ioctl(v->fd, KVM_GET_XCRS, &s->xcrs), "KVM_GET_XCRS");
	must(ioctl(v->fd, KVM_GET_SREGS2, &s->sregs), "KVM_GET_SREGS2");
	msrs_get(v, &s->msrs);
	must(ioctl(v->fd, KVM_GET_DEBUGREGS, &s->debug), "KVM_GET_DEBUGREGS");
	must(!!nested_get(v, &s->nested), "KVM_GET_NESTED_STATE");
}

static const char *step(struct vmm_vcpu *v, const struct vcpu_state *s, enum restore_step which)
{
	switch (which) {
	case STEP_SREGS:
		return ioctl(v->fd, KVM_SET_SREGS2, &s->sregs) ? "KVM_SET_SREGS2" : NULL;
	case STEP_NESTED:
		return ioctl(v->fd, KVM_SET_NESTED_STATE, &s->nested) ? "KVM_SET_NESTED_STATE" :
		       NULL;
	case STEP_REGS:
		return ioctl(v->fd, KVM_SET_REGS, &s->regs) ? "KVM_SET_REGS" : NULL;
	case STEP_XSAVE:
		return ioctl(v->fd, KVM_SET_XSAVE, &s->xsave) ? "KVM_SET_XSAVE" : NULL;
	case STEP_XCRS:
		return has_xcrs(v) && s->xcrs.nr_xcrs && ioctl(v->fd, KVM_SET_XCRS, &s->xcrs) ?
		       "KVM_SET_XCRS" : NULL;
	case STEP_MSRS:
		return msrs_set(v, &s->msrs) ? NULL : "KVM_SET_MSRS";
	case STEP_EVENTS:
		return ioctl(v->fd, KVM_SET_VCPU_EVENTS, &s->events) ? "KVM_SET_VCPU_EVENTS" : NULL;
	case STEP_MP:
		return ioctl(v->fd, KVM_SET_MP_STATE, &s->mp) ? "KVM_SET_MP_STATE" : NULL;
	case STEP_DEBUG:
		return ioctl(v->fd, KVM_SET_DEBUGREGS, &s->debug) ? "KVM_SET_DEBUGREGS" : NULL;
	default:
		return "?";
	}
}

const char *state_set(struct vmm_vcpu *v, const struct vcpu_state *s,
		      const enum restore_step order[NR_STEPS])
{
	const char *failed = NULL;
	u32 i;

	for (i = 0; i < NR_STEPS && !failed; i++)
		failed = step(v, s, order[i]);
	return failed;
}

static bool is_clock(u32 index)
{
	return index == MSR_TSC || index == MSR_TSC_ADJUST || index == MSR_HV_VP_RUNTIME ||
	       index == MSR_HV_TIME_REF_COUNT;
}

static bool msrs_differ(const struct msr_set *a, const struct msr_set *b)
{
	u32 i;

	if (a->head.nmsrs != b->head.nmsrs)
		return true;
	for (i = 0; i < a->head.nmsrs; i++) {
		u32 index = a->entry[i].index;

		if (is_clock(index))
			continue;
		if (index != b->entry[i].index || a->entry[i].data != b->entry[i].data) {
			printf("# MSR 0x%x: 0x%llx and 0x%llx\n", index, a->entry[i].data,
			       b->entry[i].data);
			return true;
		}
	}
	return false;
}

static bool nested_differs(const union nested_blob *a, const union nested_blob *b)
{
	u32 i, nr = 0;

	for (i = 0; i < sizeof(*a); i++)
		if (a->bytes[i] != b->bytes[i] && nr++ < 8)
			printf("# nested state byte %u (vmcs12 %d): 0x%x and 0x%x\n", i,
			       (int)i - 128, a->bytes[i], b->bytes[i]);
	return nr;
}

const char *state_differs(const struct vcpu_state *a, const struct vcpu_state *b)
{
#define DIFFERS(part) memcmp(&a->part, &b->part, sizeof(a->part))
	if (DIFFERS(events))
		return "events";
	if (DIFFERS(mp))
		return "MP state";
	if (DIFFERS(regs))
		return "registers";
	if (DIFFERS(xsave))
		return "FPU";
	if (DIFFERS(xcrs))
		return "XCRs";
	if (DIFFERS(sregs))
		return "system registers";
	if (DIFFERS(debug))
		return "debug registers";
#undef DIFFERS
	if (msrs_differ(&a->msrs, &b->msrs))
		return "MSRs";
	return nested_differs(&a->nested, &b->nested) ? "nested state" : NULL;
}

/* ---- a VM ---- */

static void make_room(struct snapshot *s, size_t size)
{
	if (s->mem && s->mem_size == size)
		return;
	free(s->mem);
	free(s->used);
	s->mem_size = size;
	s->mem = calloc(1, size);
	s->used = calloc(1, size / PAGE);
	must(!s->mem || !s->used, "calloc");
}

/*
 * What is not in L1's memory before the nested state was asked for is there after.  Pages that
 * nobody has touched are left alone: they are most of them, and to read one takes a fault.
 */
void snapshot_take(struct vmm_vcpu *v, struct snapshot *s)
{
	size_t i;

	state_get(v, &s->vcpu);
	make_room(s, v->vmm->mem_size);
	must(mincore(v->vmm->mem, s->mem_size, s->used), "mincore");
	for (i = 0; i < s->mem_size / PAGE; i++)
		if (s->used[i] & 1)
			memcpy(s->mem + i * PAGE, v->vmm->mem + i * PAGE, PAGE);
}

void snapshot_memory(struct vmm *vmm, const struct snapshot *s)
{
	size_t i, pages = s->mem_size / PAGE;
	u8 *now = malloc(pages);

	must(!now || mincore(vmm->mem, s->mem_size, now), "mincore");
	for (i = 0; i < pages; i++) {
		if (s->used[i] & 1)
			memcpy(vmm->mem + i * PAGE, s->mem + i * PAGE, PAGE);
		else if (now[i] & 1)
			memset(vmm->mem + i * PAGE, 0, PAGE);
	}
	free(now);
}

/* An MSR of this device that the other has not: no VM function. */
static void hide_vmfunc(struct vmm_vcpu *v, const struct msr_set *set)
{
	u32 i;

	for (i = 0; i < set->head.nmsrs; i++)
		if (set->entry[i].index == MSR_VMX_VMFUNC)
			return;
	msr_set_one(v, MSR_VMX_VMFUNC, 0);
}

/* Before everything else, as QEMU does: capabilities, which are fixed in VMX operation. */
static const char *set_model(struct vmm_vcpu *v, const struct vcpu_state *s)
{
	u32 i;

	if (ioctl(v->fd, KVM_SET_CPUID2, &s->cpuid))
		return "KVM_SET_CPUID2";
	for (i = 0; i < s->msrs.head.nmsrs; i++) {
		const struct kvm_msr_entry *e = &s->msrs.entry[i];

		if (is_vmx_msr(e->index) && !msr_set_one(v, e->index, e->data)) {
			printf("# MSR 0x%x: 0x%llx is refused\n", e->index, e->data);
			return "VMX capabilities";
		}
		if (e->index == MSR_FEATURE_CONTROL)
			msr_set_one(v, e->index, e->data);
	}
	hide_vmfunc(v, &s->msrs);
	return NULL;
}

struct vmm *snapshot_build(const struct snapshot *s, const enum restore_step order[NR_STEPS],
			   const char **why)
{
	struct vmm *vmm = vmm_create(s->mem_size);
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);

	snapshot_memory(vmm, s);
	*why = set_model(v, &s->vcpu);
	if (!*why)
		*why = state_set(v, &s->vcpu, order);
	return vmm;
}

/* ---- files ---- */

#define MAGIC "nvmx-vm1"

struct file_head {
	char magic[8];
	u64 state_size, mem_size;
};

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	must(!f, path);
	return f;
}

static void put(FILE *f, const void *data, size_t size)
{
	must(fwrite(data, size, 1, f) != 1, "writing");
}

static void get(FILE *f, void *data, size_t size)
{
	must(fread(data, size, 1, f) != 1, "reading");
}

static bool is_zero(const u8 *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

/* A head, the state as it is in memory, and each page that is not 0 after its address. */
void snapshot_write(const struct snapshot *s, const char *path)
{
	struct file_head head = { .state_size = sizeof(s->vcpu), .mem_size = s->mem_size };
	FILE *f = open_file(path, "w");
	u64 gpa;

	memcpy(head.magic, MAGIC, 8);
	put(f, &head, sizeof(head));
	put(f, &s->vcpu, sizeof(s->vcpu));
	for (gpa = 0; gpa < s->mem_size; gpa += PAGE) {
		if (!(s->used[gpa / PAGE] & 1) || is_zero(s->mem + gpa))
			continue;
		put(f, &gpa, sizeof(gpa));
		put(f, s->mem + gpa, PAGE);
	}
	must(fclose(f), path);
}

void snapshot_read(struct snapshot *s, const char *path)
{
	FILE *f = open_file(path, "r");
	struct file_head head;
	u64 gpa;

	get(f, &head, sizeof(head));
	errno = EINVAL;
	must(memcmp(head.magic, MAGIC, 8) || head.state_size != sizeof(s->vcpu), path);
	get(f, &s->vcpu, sizeof(s->vcpu));
	s->mem = NULL;
	s->used = NULL;
	make_room(s, head.mem_size);
	while (fread(&gpa, sizeof(gpa), 1, f) == 1) {
		errno = EINVAL;
		must(gpa % PAGE || gpa >= s->mem_size, path);
		get(f, s->mem + gpa, PAGE);
		s->used[gpa / PAGE] = 1;
	}
	fclose(f);
}

/* ---- what two devices have in common ---- */

void offer_get(struct cpu_offer *o)
{
	struct vmm *vmm = vmm_create(0);
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);
	struct msr_set all;
	u32 i, n = 0;

	memset(o, 0, sizeof(*o));
	o->cpuid.head.nent = VMM_MAX_CPUID;
	must(ioctl(v->fd, KVM_GET_CPUID2, &o->cpuid), "KVM_GET_CPUID2");
	msrs_get(v, &all);
	for (i = 0; i < all.head.nmsrs; i++)
		if (is_vmx_msr(all.entry[i].index))
			o->vmx.entry[n++] = all.entry[i];
	o->vmx.head.nmsrs = n;
	vmm_destroy(vmm);
}

void offer_write(const struct cpu_offer *o, const char *path)
{
	FILE *f = open_file(path, "w");

	put(f, o, sizeof(*o));
	must(fclose(f), path);
}

void offer_read(struct cpu_offer *o, const char *path)
{
	FILE *f = open_file(path, "r");

	get(f, o, sizeof(*o));
	fclose(f);
}

static const struct kvm_cpuid_entry2 *find_leaf(const struct cpu_offer *o,
						const struct kvm_cpuid_entry2 *e)
{
	u32 i;

	for (i = 0; i < o->cpuid.head.nent; i++)
		if (o->cpuid.entry[i].function == e->function &&
		    o->cpuid.entry[i].index == e->index)
			return &o->cpuid.entry[i];
	return NULL;
}

/* Leaves of feature bits; the others describe the CPU, which is the same. */
static void limit_leaf(struct kvm_cpuid_entry2 *e, const struct cpu_offer *other)
{
	const struct kvm_cpuid_entry2 *o = find_leaf(other, e);

	if (e->function == 1 || e->function == 0x80000001) {
		e->ecx &= o ? o->ecx : 0;
		e->edx &= o ? o->edx : 0;
	} else if (e->function == 7 || e->function == 0x40000001) {
		e->eax &= o ? o->eax : 0;
		e->ebx &= o ? o->ebx : 0;
		e->ecx &= o ? o->ecx : 0;
		e->edx &= o ? o->edx : 0;
	} else if (e->function == 0xd && e->index == 1) {
		e->eax &= o ? o->eax : 0;
	}
}

/* Controls: what must be 1 is below, what may be 1 above; other MSRs are bits of features. */
static u64 limit_msr(u32 index, u64 mine, u64 other)
{
	const u64 low = 0xffffffff;

	if (index == 0x48b || (index >= 0x48d && index <= 0x490))
		return ((mine | other) & low) | (mine & other & ~low);
	if (index == 0x486 || index == 0x488)
		return mine | other;
	if (index == 0x48c || index == 0x491)
		return mine & other;
	if (index == 0x485)	/* activity states, SMM and the VMWRITE of all fields */
		return mine & (other | ~0x700081c0ull);
	return mine < other ? mine : other;
}

void offer_limit(struct vmm_vcpu *v, const struct cpu_offer *mine, const struct cpu_offer *other)
{
	struct cpuid_set cpuid = mine->cpuid;
	u32 i, j;

	for (i = 0; i < cpuid.head.nent; i++)
		limit_leaf(&cpuid.entry[i], other);
	must(ioctl(v->fd, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
	for (i = 0; i < mine->vmx.head.nmsrs; i++) {
		const struct kvm_msr_entry *m = &mine->vmx.entry[i];

		for (j = 0; j < other->vmx.head.nmsrs; j++)
			if (other->vmx.entry[j].index == m->index)
				break;
		if (j == other->vmx.head.nmsrs) {
			msr_set_one(v, m->index, 0);
			continue;
		}
		if (!msr_set_one(v, m->index,
				 limit_msr(m->index, m->data, other->vmx.entry[j].data)))
			printf("# MSR 0x%x cannot be limited to 0x%llx and 0x%llx\n", m->index,
			       m->data, other->vmx.entry[j].data);
	}
}
