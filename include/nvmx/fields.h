/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What table 1 and table 2 generate for everyone: field encodings and control numbers.
 *
 * A field is never a plain number in code: vmcs_read() and vmcs_write() take its name.
 */
#ifndef NVMX_FIELDS_H
#define NVMX_FIELDS_H

#include <linux/bits.h>
#include <linux/types.h>

enum vmcs_encoding {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) VMCS_##name = (enc),
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	/* L0's alone: vmcs12 has no such fields */
	VMCS_ple_gap = 0x4020,
	VMCS_ple_window = 0x4022,
};

/* Width in bits 14:13, class in bits 11:10 and index in bits 9:1 of an encoding. */
#define VMCS_ENC_HIGH		0x0001
#define VMCS_ENC_WIDTH(enc)	(((enc) >> 13) & 3)
#define VMCS_ENC_CLASS(enc)	(((enc) >> 10) & 3)
#define VMCS_ENC_INDEX(enc)	(((enc) >> 1) & 0x1ff)

enum vmcs_width { VMCS_WIDTH_U16, VMCS_WIDTH_U64, VMCS_WIDTH_U32, VMCS_WIDTH_NAT };
enum vmcs_class { VMCS_CLASS_CONTROL, VMCS_CLASS_INFO, VMCS_CLASS_GUEST, VMCS_CLASS_HOST };

enum vmx_ctl_word { CTLW_PIN, CTLW_PROC, CTLW_PROC2, CTLW_EXIT, CTLW_ENTRY, NR_CTL_WORDS };

enum vmx_ctl {
#define NVMX_CTL(word, bit, name, l0, offer, merge) CTL_##name = CTLW_##word * 32 + (bit),
#include <nvmx/vmx_controls.h>
#undef NVMX_CTL
};

#define CTL_WORD(ctl)	((ctl) / 32)
#define CTL_MASK(ctl)	(1u << ((ctl) % 32))

enum vmx_exit_reason {
#define NVMX_EXIT(number, name, handler, owner, arg, valid) EXIT_##name = (number),
#include <nvmx/vmx_exits.h>
#undef NVMX_EXIT
};

/* In the order in which they are taken. */
enum vmx_event {
#define NVMX_EVENT(name, class, l1, l2, what) EVENT_##name,
#include <nvmx/vmx_events.h>
#undef NVMX_EVENT
	EVENT_none
};

#define EXIT_ENTRY_FAILURE	BIT(31)		/* exit reason: VM-entry failure */

#endif
