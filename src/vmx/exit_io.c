// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: a port is a controller of src/irq, an ioeventfd or a coalesced zone that takes the
 * write, or else a device of user space.
 *
 * A KVM_EXIT_IO leaves v->pio (IN, OUT) or v->emu_pio (INS, OUTS: a batch of elements) behind;
 * the data are in the second page of the vCPU's mapping.  KVM_RUN finishes the instruction.
 */
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/api.h>
#include <nvmx/arch.h>
#include <nvmx/emulate.h>
#include <nvmx/irq.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define PORT_KVMVAPIC	0x7e	/* see skips_first() */

/* SDM "Information for VM Exits Due to Instruction Execution", INS and OUTS [sdm:ins-info] */
#define INFO_ADDRSIZE(info)	(2u << (((info) >> 7) & 7))
#define INFO_SEG(info)		(((info) >> 15) & 7)

static bool bus_write(struct nvmx_vcpu *v, u16 port, u32 size, const void *data)
{
	return irq_pio_write(v, port, size, data) ||
	       api_bus_write(v, API_PIO, port, size, data);
}

static enum nvmx_action io_exit(struct nvmx_vcpu *v, bool in, u16 port, u32 size, u32 count)
{
	struct kvm_run *run = v->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	return NVMX_USER;
}

/* ---- IN and OUT ---- */

/* User space that has moved RIP (a reset) has thereby finished the instruction. */
static bool still_there(struct nvmx_vcpu *v)
{
	return vmx_linear_rip(v) == v->pio.rip;
}

static enum nvmx_action skip_pio(struct nvmx_vcpu *v)
{
	vmx_advance_rip(v, v->pio.insn_len);
	vmx_insn_done(v);
	return NVMX_RESUME;
}

static enum nvmx_action complete_out(struct nvmx_vcpu *v)
{
	return still_there(v) ? skip_pio(v) : NVMX_RESUME;
}

/* IN of 4 bytes clears the upper half of RAX, smaller ones keep the rest. */
static void set_rax(struct nvmx_vcpu *v, const void *data, u8 size)
{
	u64 rax = size < 4 ? v->gpr[GPR_RAX] : 0;

	memcpy(&rax, data, size);
	v->gpr[GPR_RAX] = rax;
}

static enum nvmx_action complete_in(struct nvmx_vcpu *v)
{
	if (!still_there(v))
		return NVMX_RESUME;
	set_rax(v, v->pio_data, v->pio.size);
	return skip_pio(v);
}

static enum nvmx_action nothing_left(struct nvmx_vcpu *v)
{
	return NVMX_RESUME;
}

/*
 * The option ROM of QEMU's kvmvapic expects, by a quirk of old KVM, that RIP is behind the
 * instruction when user space sees the write.
 */
static bool skips_first(const struct nvmx_vcpu *v, u16 port)
{
	return port == PORT_KVMVAPIC &&
	       !(v->vm->disabled_quirks & KVM_X86_QUIRK_OUT_7E_INC_RIP);
}

static void note_pio(struct nvmx_vcpu *v, bool in, u16 port, u8 size)
{
	v->pio.in = in;
	v->pio.port = port;
	v->pio.size = size;
	v->pio.count = 1;
	v->pio.string = false;
	v->pio.insn_len = v->exit.insn_len;
	v->pio.rip = vmx_linear_rip(v);
}

static enum nvmx_action out_one(struct nvmx_vcpu *v, u16 port, u8 size)
{
	u32 val = v->gpr[GPR_RAX];

	if (bus_write(v, port, size, &val))
		return vmx_skip(v);
	note_pio(v, false, port, size);
	memcpy(v->pio_data, &val, size);
	if (skips_first(v, port)) {
		skip_pio(v);
		v->complete = nothing_left;
	} else {
		v->complete = complete_out;
	}
	return io_exit(v, false, port, size, 1);
}

static enum nvmx_action in_one(struct nvmx_vcpu *v, u16 port, u8 size)
{
	u32 val = 0;

	if (irq_pio_read(v, port, size, &val)) {
		set_rax(v, &val, size);
		return vmx_skip(v);
	}
	note_pio(v, true, port, size);
	v->complete = complete_in;
	return io_exit(v, true, port, size, 1);
}

/* ---- INS and OUTS ---- */

static enum nvmx_action string_begin(struct nvmx_vcpu *v);
static enum nvmx_action string_end(struct nvmx_vcpu *v);

static enum nvmx_action answered_begin(struct nvmx_vcpu *v)
{
	return vmx_emu_answered(v) ? string_begin(v) : NVMX_RESUME;
}

static enum nvmx_action answered_end(struct nvmx_vcpu *v)
{
	return vmx_emu_answered(v) ? string_end(v) : NVMX_RESUME;
}

static enum nvmx_action complete_string(struct nvmx_vcpu *v)
{
	return still_there(v) ? string_end(v) : NVMX_RESUME;
}

/* v->exit is that of the instruction until the next entry, so completion can use it again. */
static enum emu_result set_up(struct nvmx_vcpu *v, struct emu_task *t)
{
	const struct exit_info *exit = &v->exit;
	struct emu_pio_desc desc = {
		.in = exit->qual & IOQ_IN,
		.rep = exit->qual & IOQ_REP,
		.size = IOQ_SIZE(exit->qual),
		.addrsize = INFO_ADDRSIZE(exit->insn_info),
		.seg = INFO_SEG(exit->insn_info),
		.len = exit->insn_len,
	};

	vmx_emu_begin(v, t);
	if (!(vmx_caps.basic & VMXB_INOUT))
		return emu_decode(&v->emu);
	emu_pio_set(&v->emu, &desc);
	return EMU_OK;
}

static enum nvmx_action string_end(struct nvmx_vcpu *v)
{
	struct emu_task t;
	enum emu_result r = set_up(v, &t);

	if (r == EMU_OK)
		r = emu_pio_end(&v->emu, &v->emu_pio, v->pio_data);
	return vmx_emu_end(&t, r, answered_end);
}

/* The elements that a bus has taken; user space gets the rest, moved to the front. */
static u32 write_to_buses(struct nvmx_vcpu *v, const struct emu_pio *pio)
{
	u32 i;

	for (i = 0; i < pio->count; i++)
		if (!bus_write(v, pio->port, pio->size, v->pio_data + i * pio->size))
			break;
	if (i && i < pio->count)
		memmove(v->pio_data, v->pio_data + i * pio->size, (pio->count - i) * pio->size);
	return i;
}

/* A port is here for all elements or for none. */
static u32 read_from_buses(struct nvmx_vcpu *v, const struct emu_pio *pio)
{
	u32 i;

	for (i = 0; i < pio->count; i++)
		if (!irq_pio_read(v, pio->port, pio->size, v->pio_data + i * pio->size))
			return 0;
	return i;
}

static enum nvmx_action transfer(struct nvmx_vcpu *v)
{
	const struct emu_pio *pio = &v->emu_pio;
	u32 done = pio->in ? read_from_buses(v, pio) : write_to_buses(v, pio);

	if (done == pio->count)
		return string_end(v);
	v->pio.rip = vmx_linear_rip(v);
	v->complete = complete_string;
	return io_exit(v, pio->in, pio->port, pio->size, pio->count - done);
}

static enum nvmx_action string_begin(struct nvmx_vcpu *v)
{
	struct emu_task t;
	enum emu_result r = set_up(v, &t);

	if (r == EMU_OK)
		r = emu_pio_begin(&v->emu, &v->emu_pio, v->pio_data, PAGE_SIZE);
	if (r == EMU_PIO)
		return transfer(v);
	return vmx_emu_end(&t, r, answered_begin);
}

enum nvmx_action exit_io(struct nvmx_vcpu *v)
{
	u64 qual = v->exit.qual;
	u8 size = min_t(u8, IOQ_SIZE(qual), sizeof(u32));

	v->stat.io_exits++;
	if (qual & IOQ_STRING) {
		emu_log_reset(&v->emu_log);
		return string_begin(v);
	}
	if (qual & IOQ_IN)
		return in_one(v, IOQ_PORT(qual), size);
	return out_one(v, IOQ_PORT(qual), size);
}
