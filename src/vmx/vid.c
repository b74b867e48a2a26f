// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-interrupt delivery for L1: the CPU takes requests from the virtual-APIC page, delivers
 * them when L1's priority and RFLAGS let it, and ends their service, without an exit.  With posted
 * interrupts it also fetches what others post while L1 runs.
 *
 * It is in use while L1's accesses to the APIC are virtualized, too, and while no row of the table
 * below says no.  RVI and SVI are what IRR and ISR say; they are written before an entry if
 * software has changed one of these.  vmcs02 has nothing of this: there L1's interrupts are exits.
 *
 * ExtINT is none of the APIC's, and needs no row: with an interrupt window wanted the CPU exits
 * before it delivers.  SDM "Evaluation of Pending Virtual Interrupts" [sdm:virtual-intr]
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include <nvmx/arch.h>
#include <nvmx/compat.h>
#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/trace.h>
#include <nvmx/vmx.h>

#include "exit.h"
#include "vmx_int.h"

#define X2APIC_EOI	0x80bu
#define X2APIC_SELF_IPI	0x83fu
#define NR_VECTORS	256

enum { VID_NEVER, VID_AUTO, VID_ALWAYS };

static uint enable_vid = VID_AUTO;
module_param(enable_vid, uint, 0444);
MODULE_PARM_DESC(enable_vid, "Virtual-interrupt delivery for L1. 0: never; 1: where the CPU has it, without bochs_vid_erratum; 2: in spite of that");

/* ---- once ---- */

static bool __init is_wanted(void)
{
	return vmx_enable_apicv && (enable_vid == VID_ALWAYS ||
				    (enable_vid == VID_AUTO && !vmx_vid_erratum));
}

static bool __init is_there(void)
{
	return vmx_cpu_has(CTL_tpr_shadow) && vmx_cpu_has(CTL_virtual_interrupt_delivery) &&
	       (vmx_cpu_has(CTL_virtualize_apic_accesses) || vmx_cpu_has(CTL_virtualize_x2apic));
}

/*
 * The CPU posts only where it acknowledges interrupts that are exits; so all VMCSs do that, also
 * where it does not post.  SDM "Checks on VMX Controls" [sdm:check-exec]
 */
void __init vmx_vid_init(void)
{
	if (!is_wanted() || !is_there())
		return;
	irq_vid_allow();
	if (vmx_cpu_has(CTL_ack_interrupt_on_exit))
		vmx_caps.base[CTLW_EXIT] |= CTL_MASK(CTL_ack_interrupt_on_exit);
	vmx_caps.vid = true;
	vmx_caps.posts = NVMX_POSTED_VECTOR && vmx_cpu_has(CTL_posted_interrupts) &&
			 vmx_cpu_has(CTL_ack_interrupt_on_exit);
}

/* ---- for one vCPU ---- */

static bool blocks_irqs(const struct nvmx_vcpu *v)
{
	return v->guest_debug & KVM_GUESTDBG_BLOCKIRQ;
}

static bool ends_by_itself(const struct nvmx_vcpu *v)
{
	return v->synic && hv_uses_auto_eoi(v);
}

/*
 * Why not.  Others go without saying: an APIC that is user space's, disabled, not where it is after
 * a reset, or whose TPR is in memory, has no accesses that the CPU could virtualize.
 */
static const struct {
	const char *name;
	bool (*holds)(const struct nvmx_vcpu *v);
} inhibits[] = {
	{ "block_irqs", blocks_irqs },		/* who debugs the guest wants none */
	{ "auto_eoi", ends_by_itself },		/* a vector of the SynIC has no service */
};

static const char *inhibited_by(const struct nvmx_vcpu *v)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(inhibits); i++)
		if (inhibits[i].holds(v))
			return inhibits[i].name;
	return NULL;
}

static void set_ctl(struct nvmx_vcpu *v, enum vmx_ctl ctl, bool on)
{
	if (on)
		vmcs_ctl_set(v, v->vmcs01, ctl);
	else
		vmcs_ctl_clear(v, v->vmcs01, ctl);
}

void vmx_vid_update(struct nvmx_vcpu *v, bool virtualized)
{
	const char *why = virtualized ? inhibited_by(v) : "accesses";
	bool on = !why;

	if (!vmx_caps.vid || on == v->vid)
		return;
	trace_nvmx_vid(v->id, why ?: "on");
	irq_set_vid(v, on);
	set_ctl(v, CTL_virtual_interrupt_delivery, on);
	set_ctl(v, CTL_posted_interrupts, on && vmx_caps.posts);
	vmx_update_msr_bitmap(v);
}

/* A reason of the table may have come or gone, or other EOIs be wanted. */
void vmx_vid_reconsider(struct nvmx_vcpu *v)
{
	if (!vmx_caps.vid || !irq_in_kernel(v))
		return;
	vmx_apicv_update(v);
	v->eoi_exits_stale = true;
}

void vmx_vid_vcpu_init(struct nvmx_vcpu *v)
{
	if (!vmx_caps.vid || !v->pi)
		return;
	vmcs_write(v, guest_intr_status, 0);
	if (!vmx_caps.posts)
		return;
	v->pi->control = (unsigned long)NVMX_POSTED_VECTOR << PI_NV_SHIFT;
	vmcs_write(v, posted_intr_nv, NVMX_POSTED_VECTOR);
	vmcs_write(v, posted_intr_desc_addr, __pa(v->pi));
}

/* Register virtualization has opened the reads. */
void vmx_vid_pass(struct nvmx_vcpu *v, void (*pass)(struct nvmx_vcpu *v, u32 msr, bool write))
{
	if (!vmcs_ctl_test(v->vmcs01, CTL_virtual_interrupt_delivery))
		return;
	pass(v, X2APIC_EOI, true);
	pass(v, X2APIC_SELF_IPI, true);
}

/* ---- around an entry ---- */

static void write_eoi_exits(struct nvmx_vcpu *v)
{
	DECLARE_BITMAP(vectors, NR_VECTORS);

	v->eoi_exits_stale = false;
	irq_eoi_exits(v, vectors);
	vmcs_write(v, eoi_exit_bitmap0, vectors[0]);
	vmcs_write(v, eoi_exit_bitmap1, vectors[1]);
	vmcs_write(v, eoi_exit_bitmap2, vectors[2]);
	vmcs_write(v, eoi_exit_bitmap3, vectors[3]);
}

void vmx_vid_before_entry(struct nvmx_vcpu *v)
{
	if (unlikely(v->eoi_exits_stale))
		write_eoi_exits(v);
	if (!v->vid_stale)
		return;
	v->vid_stale = false;
	vmcs_write(v, guest_intr_status, irq_intr_status(v));
}

/* In L2 the APIC's vectors are software's; what IRR held was the CPU's business so far. */
void vmx_vid_switched(struct nvmx_vcpu *v)
{
	WRITE_ONCE(v->irq_hint, true);
	v->vid_stale = true;
}

/* ---- exits ---- */

/* The CPU has ended the service, and done all that follows; in L2 virtual.c wants no more. */
enum nvmx_action exit_virtualized_eoi(struct nvmx_vcpu *v)
{
	if (!is_guest_mode(v))
		irq_eoi_done(v, v->exit.qual & 0xff);
	return NVMX_RESUME;
}

/* What was written is in the page; the instruction is over. */
enum nvmx_action exit_apic_write(struct nvmx_vcpu *v)
{
	u32 reg = v->exit.qual & 0xff0;

	irq_write_reg(v, reg, READ_ONCE(*(u32 *)(irq_apic_page(v) + reg)));
	return NVMX_RESUME;
}
