// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine checks that user space makes for the guest.
 *
 * Each bank has four MSRs: control, status, address, miscellaneous.
 * SDM "Machine-Check Architecture" [sdm:mca]
 */
#include <linux/nospec.h>
#include <asm/mce.h>
#include <nvmx/irq.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

#define MCE_CAP			(MCG_CTL_P | MCG_SER_P | MCG_LMCE_P | MCG_CMCI_P)
#define MCE_CAP_COUNT		0xffull		/* number of banks */
#define MCE_CAP_EXT_COUNT	0xff0000ull	/* number of extended state registers */

enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC, BANK_MSRS };

int dev_get_mce_cap(union ioctl_arg arg)
{
	*(u64 *)arg.buf = MCE_CAP;
	return 0;
}

int vcpu_setup_mce(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	u64 cap = *(u64 *)arg.buf;
	u32 banks = cap & MCE_CAP_COUNT;
	u32 i;

	if (!banks || banks > NVMX_MCE_BANKS)
		return -EINVAL;
	if (cap & ~(MCE_CAP | MCE_CAP_COUNT | MCE_CAP_EXT_COUNT))
		return -EINVAL;
	v->mcg_cap = cap;
	if (cap & MCG_CTL_P)
		v->mcg_ctl = ~0ull;
	for (i = 0; i < banks; i++) {
		v->mc_bank[BANK_MSRS * i + BANK_CTL] = ~0ull;
		v->mc_ctl2[i] = 0;
	}
	irq_mcg_cap_changed(v);
	return 0;
}

static void log_error(u64 *bank, const struct kvm_x86_mce *mce)
{
	u64 overflow = bank[BANK_STATUS] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0;

	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
	bank[BANK_STATUS] = mce->status | overflow;
}

/* Uncorrected, but nothing to be done about it: logged, and an interrupt, no exception */
static bool no_action(const struct kvm_x86_mce *mce)
{
	return !mce->mcg_status &&
	       !(mce->status & (MCI_STATUS_PCC | MCI_STATUS_S | MCI_STATUS_AR));
}

/* SDM "CMCI Local APIC Interface" [sdm:cmci] */
static void signal_cmci(struct nvmx_vcpu *v, u32 bank)
{
	if (v->mc_ctl2[array_index_nospec(bank, NVMX_MCE_BANKS)] & MCI_CTL2_CMCI_EN)
		irq_deliver_cmci(v);
}

static void uncorrected(struct nvmx_vcpu *v, u64 *bank, const struct kvm_x86_mce *mce)
{
	if (no_action(mce)) {
		bank[BANK_STATUS] = mce->status;
		bank[BANK_ADDR] = mce->addr;
		bank[BANK_MISC] = mce->misc;
		v->mcg_status = mce->mcg_status;
		signal_cmci(v, mce->bank);
		return;
	}
	/* Reporting is off unless all bits of both controls are set. */
	if ((v->mcg_cap & MCG_CTL_P && v->mcg_ctl != ~0ull) || bank[BANK_CTL] != ~0ull)
		return;
	if (v->mcg_status & MCG_STATUS_MCIP || !(vmx_cr4(v) & X86_CR4_MCE)) {
		vmx_triple_fault(v);
		return;
	}
	log_error(bank, mce);
	v->mcg_status = mce->mcg_status;
	vmx_queue_exception(v, VEC_MC);
}

int vcpu_set_mce(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_x86_mce *mce = arg.buf;
	u32 banks = min_t(u32, v->mcg_cap & MCE_CAP_COUNT, NVMX_MCE_BANKS);
	u64 *bank;

	if (mce->bank >= banks || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &v->mc_bank[BANK_MSRS * array_index_nospec(mce->bank, banks)];
	if (mce->status & MCI_STATUS_UC)
		uncorrected(v, bank, mce);
	else if (bank[BANK_STATUS] & MCI_STATUS_VAL && bank[BANK_STATUS] & MCI_STATUS_UC)
		bank[BANK_STATUS] |= MCI_STATUS_OVER;
	else
		log_error(bank, mce);
	return 0;
}
