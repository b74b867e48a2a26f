// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_SREGS(2) and KVM_SET_SREGS(2): segments, descriptor tables, control registers, EFER.
 *
 * Everything is checked before the first register changes; the order of the changes is KVM's.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <nvmx/nested.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

/* IA32_APIC_BASE: bits 7:0 and 9 are reserved */
#define APIC_BASE_RESERVED	0x2ffull
#define CPUID_1_ECX_X2APIC	BIT(21)

struct seg_place {
	enum nvmx_seg_reg reg;
	size_t offset;			/* in struct kvm_sregs, and in kvm_sregs2 */
};

#define SEG_PLACE(reg_, name) { .reg = (reg_), .offset = offsetof(struct kvm_sregs, name) }

static const struct seg_place seg_places[] = {
	SEG_PLACE(SEG_CS, cs), SEG_PLACE(SEG_DS, ds), SEG_PLACE(SEG_ES, es), SEG_PLACE(SEG_FS, fs),
	SEG_PLACE(SEG_GS, gs), SEG_PLACE(SEG_SS, ss), SEG_PLACE(SEG_TR, tr),
	SEG_PLACE(SEG_LDTR, ldt),
};

#undef SEG_PLACE

static_assert(offsetof(struct kvm_sregs, interrupt_bitmap) ==
	      offsetof(struct kvm_sregs2, flags));

static struct kvm_segment seg_out(const struct nvmx_segment *s)
{
	bool unusable = s->ar & SEGAR_UNUSABLE;

	return (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector,
		.type = s->ar & SEGAR_TYPE, .s = !!(s->ar & SEGAR_S), .dpl = SEGAR_DPL(s->ar),
		.present = !unusable, .avl = !!(s->ar & BIT(12)), .l = !!(s->ar & SEGAR_L),
		.db = !!(s->ar & SEGAR_DB), .g = !!(s->ar & SEGAR_G), .unusable = unusable,
	};
}

/*
 * A usable segment is present; callers that know only the descriptor clear "present" instead of
 * setting "unusable".  The accessed and busy bits must be set in every segment but LDTR.
 * SDM "Checks on Guest Segment Registers" [sdm:entry-segments]
 */
static struct nvmx_segment seg_in(enum nvmx_seg_reg reg, const struct kvm_segment *s)
{
	u32 ar = (s->type & 15) | (s->s & 1) << 4 | (s->dpl & 3) << 5 | (s->present & 1) << 7 |
		 (s->avl & 1) << 12 | (s->l & 1) << 13 | (s->db & 1) << 14 | (s->g & 1) << 15;

	if (s->unusable || !s->present)
		ar |= SEGAR_UNUSABLE;
	if (reg != SEG_LDTR)
		ar |= 1;
	return (struct nvmx_segment){ .base = s->base, .limit = s->limit,
				      .selector = s->selector, .ar = ar };
}

static bool pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

static bool mode_valid(struct nvmx_vcpu *v, const struct kvm_sregs *s)
{
	if (!(s->efer & EFER_LME) || !(s->cr0 & X86_CR0_PG))
		return !(s->efer & EFER_LMA) && !s->cs.l;
	return (s->cr4 & X86_CR4_PAE) && (s->efer & EFER_LMA) &&
	       !(s->cr3 >> v->cpuid->maxphyaddr);
}

static bool apic_base_valid(const struct nvmx_vcpu *v, u64 base)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, 1, 0);
	bool x2apic = e && e->ecx & CPUID_1_ECX_X2APIC;

	if (base & APIC_BASE_RESERVED || base >> v->cpuid->maxphyaddr)
		return false;
	/* SDM "x2APIC State Transitions": none without the APIC enabled [sdm:x2apic-states] */
	return !(base & X2APIC_ENABLE) || (x2apic && base & MSR_IA32_APICBASE_ENABLE);
}

static bool sregs_valid(struct nvmx_vcpu *v, const struct kvm_sregs *s)
{
	if (nested_vmxon(v) && !nested_cr4_valid(v, s->cr4))
		return false;
	return mode_valid(v, s) && vmx_cr0_valid(v, s->cr0) && vmx_cr4_valid(v, s->cr4) &&
	       vmx_efer_valid(v, s->efer) && apic_base_valid(v, s->apic_base) && s->cr8 <= 15;
}

static void set_tables(struct nvmx_vcpu *v, const struct kvm_sregs *s)
{
	vmcs_write(v, guest_idtr_base, s->idt.base);
	vmcs_write(v, guest_idtr_limit, s->idt.limit);
	vmcs_write(v, guest_gdtr_base, s->gdt.base);
	vmcs_write(v, guest_gdtr_limit, s->gdt.limit);
}

/* In L2 what the guest reads is L1's choice. */
static void set_control(struct nvmx_vcpu *v, const struct kvm_sregs *s)
{
	if (s->cr0 != vmx_cr0(v)) {
		vmx_set_cr0(v, s->cr0);
		if (is_guest_mode(v))
			vmcs_write(v, cr0_read_shadow, nested_read_cr0(v));
	}
	if (s->cr4 != vmx_cr4(v)) {
		vmx_set_cr4(v, s->cr4);
		if (is_guest_mode(v))
			vmcs_write(v, cr4_read_shadow, nested_read_cr4(v));
	}
}

/* All that KVM_SET_SREGS and KVM_SET_SREGS2 share, after the checks. */
static void set_common(struct nvmx_vcpu *v, const struct kvm_sregs *s)
{
	u32 i;

	vmx_set_msr(v, MSR_IA32_APICBASE, s->apic_base, MSR_BY_HOST);
	set_tables(v, s);
	v->cr2 = s->cr2;
	vmx_set_cr3(v, s->cr3);
	vmx_set_cr8(v, s->cr8);
	vmx_set_efer(v, s->efer);
	set_control(v, s);
	vmx_cpuid_runtime(v);

	for (i = 0; i < ARRAY_SIZE(seg_places); i++) {
		const struct kvm_segment *from = (const void *)s + seg_places[i].offset;
		struct nvmx_segment seg = seg_in(seg_places[i].reg, from);

		vmx_set_seg(v, seg_places[i].reg, &seg);
	}
	vcpu_request(v, REQ_TLB_FLUSH);
	vcpu_request(v, REQ_EVENT);
}

int sregs_set(struct nvmx_vcpu *v, const struct kvm_sregs *s)
{
	unsigned int vector;

	if (!sregs_valid(v, s))
		return -EINVAL;
	set_common(v, s);
	/* Where the tables are not in memory yet, the guest finds out at its own MOV to CR3. */
	if (pae_paging(s->cr0, s->cr4, s->efer))
		vmx_load_pdptrs(v, s->cr3);

	vector = find_first_bit((const unsigned long *)s->interrupt_bitmap, KVM_NR_INTERRUPTS);
	if (vector < KVM_NR_INTERRUPTS)
		vmx_queue_irq(v, vector);
	return 0;
}

static void get_tables(struct nvmx_vcpu *v, struct kvm_sregs *s)
{
	s->idt.base = vmcs_read(v, guest_idtr_base);
	s->idt.limit = vmcs_read(v, guest_idtr_limit);
	s->gdt.base = vmcs_read(v, guest_gdtr_base);
	s->gdt.limit = vmcs_read(v, guest_gdtr_limit);
}

static void get_common(struct nvmx_vcpu *v, struct kvm_sregs *s)
{
	struct nvmx_segment seg;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(seg_places); i++) {
		struct kvm_segment *to = (void *)s + seg_places[i].offset;

		vmx_get_seg(v, seg_places[i].reg, &seg);
		*to = seg_out(&seg);
	}
	get_tables(v, s);
	s->cr0 = vmx_cr0(v);
	s->cr2 = v->cr2;
	s->cr3 = vmx_cr3(v);
	s->cr4 = vmx_cr4(v);
	s->cr8 = vmx_cr8(v);
	s->efer = v->efer;
	s->apic_base = v->apic_base;
}

void sregs_get(struct nvmx_vcpu *v, struct kvm_sregs *s)
{
	u8 vector;

	memset(s, 0, sizeof(*s));
	get_common(v, s);
	if (events_irq(v, &vector))
		set_bit(vector, (unsigned long *)s->interrupt_bitmap);
}

int vcpu_get_sregs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	sregs_get(v, arg.buf);
	return 0;
}

int vcpu_set_sregs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return sregs_set(v, arg.buf);
}

int vcpu_get_sregs2(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_sregs2 *s = arg.buf;
	struct kvm_sregs common = { };

	get_common(v, &common);
	memcpy(s, &common, offsetof(struct kvm_sregs2, flags));
	if (pae_paging(s->cr0, s->cr4, s->efer)) {
		memcpy(s->pdptrs, vmx_pdptrs(v), sizeof(s->pdptrs));
		s->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	}
	return 0;
}

int vcpu_set_sregs2(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_sregs2 *s = arg.buf;
	bool given = s->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	bool pae = pae_paging(s->cr0, s->cr4, s->efer);
	struct kvm_sregs common = { };

	if (s->flags & ~KVM_SREGS2_FLAGS_PDPTRS_VALID || (given && !pae))
		return -EINVAL;
	memcpy(&common, s, offsetof(struct kvm_sregs2, flags));
	if (!sregs_valid(v, &common))
		return -EINVAL;
	set_common(v, &common);
	if (given)
		vmx_set_pdptrs(v, s->pdptrs);
	else if (pae)
		vmx_load_pdptrs(v, s->cr3);
	return 0;
}
