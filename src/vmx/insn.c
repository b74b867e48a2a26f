// SPDX-License-Identifier: GPL-2.0-only
/*
 * One instruction in the emulator: its registers and its memory, and what its outcome means.
 *
 * The protocol of pieces that user space carries out is at the head of emulate.h.
 */
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/api.h>
#include <nvmx/arch.h>
#include <nvmx/emulate.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static enum emu_mem report(struct emu *e, const struct nvmx_fault *f)
{
	struct emu_task *t = e->ctx;

	t->fault = *f;
	t->has_fault = true;
	e->exception = (struct emu_exception){
		.vector = f->vector, .has_error = f->has_code, .error_code = f->code,
		.address = f->address, .nested = f->nested,
	};
	return EMU_MEM_FAULT;
}

static enum emu_mem translate(struct emu *e, u64 lin, u32 access, u64 *gpa)
{
	struct emu_task *t = e->ctx;
	struct nvmx_fault f;

	if (e->cpl == 3)
		access |= ACC_USER;
	if (!vmx_translate(t->v, lin, access, gpa, &f))
		return EMU_MEM_OK;
	return report(e, &f);
}

static enum emu_mem op_fetch(struct emu *e, u64 lin, u8 *buf, unsigned int len)
{
	struct emu_task *t = e->ctx;
	enum emu_mem r;
	u64 gpa;

	r = translate(e, lin, ACC_EXEC, &gpa);
	if (r != EMU_MEM_OK)
		return r;
	return mmu_vcpu_read(t->v, gpa, buf, len) ? EMU_MEM_FAIL : EMU_MEM_OK;
}

/*
 * Only the very address of the exit: what else of the operand lies behind it in the page goes with
 * it, and another page is another call.
 */
static bool is_known(const struct emu_task *t, u64 lin, u32 access)
{
	const struct known_access *k = t->known;

	return k && k->lin == lin && (k->access == ACC_WRITE || k->access == access);
}

/* Nothing in memory: the exit was for this kind of access to the page. */
static bool is_device(const struct emu_task *t, u64 gpa, u32 access)
{
	const struct known_access *k = t->known;

	return k && k->access == access && k->gpa >> PAGE_SHIFT == gpa >> PAGE_SHIFT;
}

static enum emu_mem op_translate(struct emu *e, u64 lin, unsigned int access, u64 *gpa)
{
	struct emu_task *t = e->ctx;

	if (is_known(t, lin, access & EMU_ACCESS_WRITE ? ACC_WRITE : ACC_READ)) {
		*gpa = t->known->gpa;
		return EMU_MEM_OK;
	}
	return translate(e, lin, access & EMU_ACCESS_WRITE ? ACC_WRITE : ACC_READ, gpa);
}

static enum emu_mem op_read(struct emu *e, u64 gpa, void *buf, unsigned int len)
{
	struct emu_task *t = e->ctx;

	if (!is_device(t, gpa, ACC_READ) && !mmu_vcpu_read(t->v, gpa, buf, len))
		return EMU_MEM_OK;
	return irq_mmio_read(t->v, gpa, len, buf) ? EMU_MEM_OK : EMU_MEM_USER;
}

static enum emu_mem op_write(struct emu *e, u64 gpa, const void *buf, unsigned int len)
{
	struct emu_task *t = e->ctx;

	if (!is_device(t, gpa, ACC_WRITE) && !mmu_vcpu_write(t->v, gpa, buf, len))
		return EMU_MEM_OK;
	if (irq_mmio_write(t->v, gpa, len, buf) || api_bus_write(t->v, API_MMIO, gpa, len, buf))
		return EMU_MEM_OK;
	return EMU_MEM_USER;
}

/* The aligned word around a smaller operand. */
struct word {
	u64 gpa;
	u32 len;
	u64 old_val, new_val;
};

/* false: the operand lies across words, and the access was not atomic on the bus either */
static bool make_word(struct nvmx_vcpu *v, u64 gpa, unsigned int len, struct word *w)
{
	w->len = max_t(u32, len, sizeof(u32));
	w->gpa = gpa & ~(u64)(w->len - 1);
	w->old_val = 0;
	return gpa + len <= w->gpa + w->len && !mmu_vcpu_read(v, w->gpa, &w->old_val, w->len);
}

static enum emu_mem op_cmpxchg(struct emu *e, u64 gpa, const void *old_val, const void *new_val,
			       unsigned int len)
{
	struct emu_task *t = e->ctx;
	struct word w;
	u8 *field;

	if (len > sizeof(u64) || !make_word(t->v, gpa, len, &w))
		return op_write(e, gpa, new_val, len);
	field = (u8 *)&w.old_val + (gpa - w.gpa);
	if (memcmp(field, old_val, len))
		return EMU_MEM_RETRY;
	w.new_val = w.old_val;
	memcpy((u8 *)&w.new_val + (gpa - w.gpa), new_val, len);

	switch (mmu_vcpu_cmpxchg(t->v, w.gpa, w.len, w.old_val, w.new_val)) {
	case 0:
		return EMU_MEM_OK;
	case -EAGAIN:
		return EMU_MEM_RETRY;
	default:
		return op_write(e, gpa, new_val, len);
	}
}

static enum emu_mem op_xmm_read(struct emu *e, unsigned int reg, u8 val[16])
{
	vmx_xmm_read(reg, val);
	return EMU_MEM_OK;
}

static enum emu_mem op_xmm_write(struct emu *e, unsigned int reg, const u8 val[16])
{
	vmx_xmm_write(reg, val);
	return EMU_MEM_OK;
}

static const struct emu_ops emu_ops = {
	.fetch = op_fetch,
	.translate = op_translate,
	.read = op_read,
	.write = op_write,
	.cmpxchg = op_cmpxchg,
	.xmm_read = op_xmm_read,
	.xmm_write = op_xmm_write,
};

static enum emu_mode code_mode(struct nvmx_vcpu *v)
{
	u32 cs;

	if (!(vmx_cr0(v) & X86_CR0_PE))
		return EMU_REAL;
	if (vmx_rflags(v) & X86_EFLAGS_VM)
		return EMU_VM86;
	cs = vmcs_read(v, guest_cs_ar_bytes);
	if ((v->efer & EFER_LMA) && (cs & SEGAR_L))
		return EMU_LONG64;
	return cs & SEGAR_DB ? EMU_PROT32 : EMU_PROT16;
}

static void fill_segment(struct nvmx_vcpu *v, enum nvmx_seg_reg s)
{
	struct emu_segment *out = &v->emu.seg[s];
	struct nvmx_segment seg;

	vmx_get_seg(v, s, &seg);
	*out = (struct emu_segment){
		.base = seg.base, .limit = seg.limit, .ar = seg.ar, .selector = seg.selector,
	};
}

/* Of a 64-bit segment nothing but the bases of FS and GS has an effect: save the VMREADs. */
static void fill_segments(struct nvmx_vcpu *v)
{
	enum nvmx_seg_reg s;

	if (v->emu.mode == EMU_LONG64) {
		v->emu.seg[EMU_FS].base = vmcs_read(v, guest_fs_base);
		v->emu.seg[EMU_GS].base = vmcs_read(v, guest_gs_base);
		return;
	}
	for (s = SEG_ES; s <= SEG_GS; s++)
		fill_segment(v, s);
}

void vmx_emu_begin(struct nvmx_vcpu *v, struct emu_task *t)
{
	struct emu *e = &v->emu;

	*t = (struct emu_task){ .v = v, .rsp = vmx_rsp(v), .rcx = v->gpr[GPR_RCX] };
	/* What comes behind is cleared by who sets insn: emu_decode(), emu_pio_set(). */
	memset(e, 0, offsetof(struct emu, exception));
	e->nr_bytes = 0;
	e->mode = code_mode(v);
	e->cpl = e->mode == EMU_VM86 ? 3 : vmx_cpl(v);
	e->linear_bits = vmx_cr4(v) & X86_CR4_LA57 ? 57 : 48;
	e->gpr = v->gpr;
	e->rip = vmx_rip(v);
	e->rflags = vmx_rflags_raw(v);
	e->ops = &emu_ops;
	e->ctx = t;
	e->log = &v->emu_log;
	fill_segments(v);
}

static void write_back(struct emu_task *t)
{
	struct nvmx_vcpu *v = t->v;

	if (v->emu.rip != v->rip)
		vmx_set_rip(v, v->emu.rip);
	if (v->emu.rflags != v->rflags)
		vmx_set_rflags(v, v->emu.rflags);
	if (v->gpr[GPR_RSP] != t->rsp)
		vmx_set_rsp(v, v->gpr[GPR_RSP]);
}

static enum nvmx_action deliver(struct emu_task *t)
{
	const struct emu_exception *x = &t->v->emu.exception;
	struct nvmx_fault f = {
		.vector = x->vector, .has_code = x->has_error, .code = x->error_code,
		.address = x->address,
	};

	return vmx_deliver_fault(t->v, t->has_fault ? &t->fault : &f);
}

static enum nvmx_action ask_user(struct nvmx_vcpu *v, enum nvmx_action (*again)(struct nvmx_vcpu *))
{
	const struct emu_piece *p = emu_log_pending(&v->emu_log);
	struct kvm_run *run = v->run;

	if (!p || p->len > sizeof(run->mmio.data))
		return VMX_IMPOSSIBLE(v, "no piece for user space");
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = p->gpa;
	run->mmio.len = p->len;
	run->mmio.is_write = p->write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (p->write)
		memcpy(run->mmio.data, p->data, p->len);
	v->complete = again;
	return NVMX_USER;
}

/* An iteration of a REP instruction is an instruction to the trap flag. */
static void stepped_iteration(struct emu_task *t)
{
	struct nvmx_vcpu *v = t->v;

	if (v->gpr[GPR_RCX] != t->rcx && (v->emu.rflags & X86_EFLAGS_TF))
		vmx_queue_db(v, PDE_BS);
}

/* Old guests write the TPR often; who patches their code wants to know where. */
static enum nvmx_action finished(struct nvmx_vcpu *v, u64 rip)
{
	bool write;

	v->stat.insn_emulated++;
	vmx_insn_done(v);
	if (!irq_in_kernel(v) || !irq_take_tpr_exit(v, &write))
		return NVMX_RESUME;
	v->run->exit_reason = KVM_EXIT_TPR_ACCESS;
	memset(&v->run->tpr_access, 0, sizeof(v->run->tpr_access));
	v->run->tpr_access.rip = rip;
	v->run->tpr_access.is_write = write;
	return NVMX_USER;
}

enum nvmx_action vmx_emu_end(struct emu_task *t, enum emu_result r,
			     enum nvmx_action (*again)(struct nvmx_vcpu *v))
{
	struct nvmx_vcpu *v = t->v;
	u64 rip = vmx_rip(v);

	write_back(t);
	v->emu.ctx = NULL;
	switch (r) {
	case EMU_OK:
		return finished(v, rip);
	case EMU_CONTINUE:
		stepped_iteration(t);
		return NVMX_RESUME;
	case EMU_FAULT:
		return deliver(t);
	case EMU_USER:
		return ask_user(v, again);
	default:
		return vmx_emulation_failed(v);
	}
}

/* The shared page is read once: user space may go on writing it. */
bool vmx_emu_answered(struct nvmx_vcpu *v)
{
	u8 data[EMU_PIECE_MAX];

	if (vmx_linear_rip(v) != v->emu_log.rip) {
		emu_log_reset(&v->emu_log);
		return false;
	}
	memcpy(data, v->run->mmio.data, sizeof(data));
	emu_log_answer(&v->emu_log, data);
	return true;
}
