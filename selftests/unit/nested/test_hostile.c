// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_NESTED_STATE with states that nobody has saved: cut off, damaged, invented.
 *
 * Whatever comes in, the answer is a documented errno or 0; after a refusal that is past the header
 * L1 runs on vmcs01, in VMX operation; and what was taken for an L2 can exit.  That nothing is read
 * beyond the size, or used when it is freed, is ASan's to find.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uapi/linux/nvmx.h>
#include "back.h"

#define HEADER	128u
#define IMAGE	4096u
#define USED	998u
#define ALL	(HEADER + 2 * IMAGE)

union blob {
	struct kvm_nested_state s;
	u8 raw[ALL];
};

static struct nvmx_vcpu *v;
static union blob good;
static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 11;
}

static void one_l2(void)
{
	struct vmcs12 *s;

	hardware_new();
	v = &m->v;
	s = l1_vmcs12();
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_preemption_timer);
	s->vmx_preemption_timer_value = 1000;
	s->secondary_vm_exec_control |= CTL_MASK(CTL_vmcs_shadowing);
	s->vmcs_link_pointer = PA_VMCS(1);
	*(u32 *)model_memory(PA_VMCS(1)) = VMCS12_REVISION | VMCS12_SHADOW;
	l1_wrote();
	l1_enters();
	nested_after_entry(v);
	memset(&good, 0, sizeof(good));
	good.s.size = sizeof(good);
	nested_get_state(v, &good.s);
	good.s.size = sizeof(good);
}

static bool l1_is_well(void)
{
	return v->nested->vmxon && !is_guest_mode(v) && hw.current == v->vmcs01 &&
	       !v->nested->run_pending && !v->stat.guest_mode;
}

/* What L2 did is L1's business, or L1's end; the machine stays in order. */
static bool l2_can_exit(void)
{
	if (nested_before_entry(v) != NVMX_RESUME)
		return true;
	nested_after_entry(v);
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	return !is_guest_mode(v) && hw.current == v->vmcs01;
}

/* A refusal by the header changes nothing: L2, if there was one, is still there. */
static bool survives(const struct kvm_nested_state *s)
{
	int err = nested_set_state(v, s);
	bool fine;

	if (err && err != -EINVAL && err != -EFAULT && err != -ENOMEM)
		return false;
	if (is_guest_mode(v))
		fine = l2_can_exit();
	else
		fine = hw.current == v->vmcs01 && (!v->nested->vmxon || v->smm.active ||
						   l1_is_well());
	v->ev.triple_fault = false;
	return fine && !m->bugs;
}

/* L2 needs both images.  The memory is as long as the size says, but has a header. */
static void truncations(void)
{
	bool fine = true;
	int err, want;
	u32 size;

	for (size = 0; size <= ALL; size++) {
		union blob *b = malloc(size < HEADER ? HEADER : size);

		memcpy(b, &good, size < HEADER ? HEADER : size);
		b->s.size = size;
		want = size < HEADER + IMAGE + USED ? -EINVAL : 0;
		err = nested_set_state(v, &b->s);
		/* A refusal by the header leaves L2 as it was. */
		fine &= err == want && is_guest_mode(v) == (!want || size < HEADER);
		if (size >= HEADER && err)
			fine &= l1_is_well();
		free(b);
		if (!err)
			fine &= l2_can_exit();
		nested_set_state(v, &good.s);
	}
	ok(fine, "every size from 0 to %u", ALL);
}

static bool refused(const union blob *b)
{
	return nested_set_state(v, &b->s) == -EINVAL;
}

static void reserved_bits(void)
{
	const u16 flags = 0x10f, pending = 8;
	bool fine = true;
	union blob b;
	u32 i;

	for (i = 0; i < 16; i++) {
		b = good;
		b.s.flags ^= 1u << i;
		if (!(flags & 1u << i))
			fine &= refused(&b);
		b = good;
		b.s.format ^= 1u << i;
		fine &= refused(&b);
		b = good;
		b.s.hdr.vmx.smm.flags ^= 1u << i;
		fine &= refused(&b);
	}
	for (i = 1; i < 32; i++) {
		b = good;
		b.s.hdr.vmx.flags ^= 1u << i;
		fine &= refused(&b);
	}
	ok(fine, "every reserved bit of the header");
	b = good;
	b.s.flags |= 0x100 | pending;
	ok(!nested_set_state(v, &b.s), "the bits that mean something, or nothing, to VMX");
}

static void wrong_places(void)
{
	static const u64 bad[] = { 1, 0xfff, 0x1001, 1ull << 63, ~0xfffull, 1ull << 46 };
	bool fine = true;
	union blob b;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		b = good;
		b.s.hdr.vmx.vmxon_pa = bad[i];
		fine &= refused(&b);
		b = good;
		b.s.hdr.vmx.vmcs12_pa = bad[i];
		fine &= refused(&b) && l1_is_well();
	}
	ok(fine, "addresses that are not aligned, or beyond MAXPHYADDR");
	b = good;
	b.s.hdr.vmx.vmcs12_pa = b.s.hdr.vmx.vmxon_pa;
	ok(refused(&b) && l1_is_well(), "one address for both regions");
	b = good;
	b.s.hdr.vmx.vmcs12_pa = PA_NOWHERE;
	ok(survives(&b.s), "a region that is not memory");
	b = good;
	((struct vmcs12 *)(b.raw + HEADER))->vmcs_link_pointer = b.s.hdr.vmx.vmcs12_pa;
	ok(refused(&b) && l1_is_well(), "a link pointer to the VMCS itself");
	for (fine = true, i = 0; i < 32; i++) {
		b = good;
		b.raw[HEADER + i / 8] ^= 1u << i % 8;
		fine &= refused(&b) && l1_is_well();
	}
	ok(fine, "every other revision at one bit's distance");
}

static void single_bits(void)
{
	bool fine = true;
	union blob b;
	u32 i;

	for (i = 0; i < USED * 8 && fine; i++) {
		b = good;
		b.raw[HEADER + i / 8] ^= 1u << i % 8;
		fine &= survives(&b.s);
	}
	ok(fine, "every bit of the image, one at a time (%u)", i);
}

static void damage(union blob *b)
{
	static const u64 special[] = {
		0, ~0ull, 1, 0xfff, 0x1000, 1ull << 63, 1ull << 46, PA_VMCS(0), PA_VMXON,
		PA_NOWHERE, MODEL_BYTES - 1, 0xffffffff, 0x80000000,
	};
	u32 n = 1 + rnd() % 4, at;

	while (n--) {
		at = rnd() % 4 ? HEADER + rnd() % USED : rnd() % 40;
		switch (rnd() % 4) {
		case 0:
			b->raw[at] ^= 1u << rnd() % 8;
			break;
		case 1:
			b->raw[at] = rnd();
			break;
		case 2:
			memcpy(b->raw + (at & ~7u), &special[rnd() % ARRAY_SIZE(special)], 8);
			break;
		default:
			b->s.size = rnd() % (ALL + 1);
		}
	}
	if (b->s.size > ALL)
		b->s.size = ALL;
}

/* A dry run says what the real one does then. */
static bool dry_run_is_right(const struct kvm_nested_state *s)
{
	struct nvmx_nested_verdict before, after;

	nested_try_state(v, s, &before);
	nested_set_state(v, s);
	nested_last_verdict(v, &after);
	if (!memcmp(&before, &after, sizeof(after)))
		return true;
	printf("# foretold %s, was %s\n", before.what, after.what);
	return false;
}

static void random_damage(unsigned long count)
{
	bool fine = true, same = true;
	unsigned long i, taken = 0;
	union blob b;

	for (i = 0; i < count && fine && same; i++) {
		b = good;
		damage(&b);
		if (!(i % 8))
			same = dry_run_is_right(&b.s);
		fine = survives(&b.s);
		taken += !v->nested->verdict.rule;
		if (i % 256)
			continue;
		fine &= !nested_set_state(v, &good.s) && is_guest_mode(v) && l2_can_exit();
	}
	ok(fine, "%lu random mutations, %lu taken", i, taken);
	ok(same, "a dry run foretells the answer");
}

void test_hostile(unsigned long count)
{
	one_l2();
	truncations();
	reserved_bits();
	wrong_places();
	single_bits();
	random_damage(count);
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}
