// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of the interface: one row each.
 *
 * A call has a control word (code, number of repetitions, length of the variable header) and two
 * parameters: the addresses of input and output in memory or, in a fast call, the input itself,
 * for some calls continued in XMM0 to 5.
 */
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/pv.h>

#include "hv_int.h"

#define VAR	BIT(0)		/* may have a variable header */
#define REPS	BIT(1)		/* is repeated: at least once, from the first on */
#define XMM	BIT(2)		/* a fast call takes input from XMM registers */
#define SLOW	BIT(3)		/* no fast call */

#define NEXT_IS_USER	(~0ull)		/* user space has the result */

/* Where CPUID must give leave, if that is enforced. */
enum leave { NONE_NEEDED, FEATURE, ADVICE, SPIN, DEBUG };

struct hv_call_row {
	u16 code;
	u8 flags;
	u8 leave;
	u32 bits;
	u64 (*call)(struct nvmx_vcpu *v, struct hv_call *c);
};

/* ---- calls ---- */

/* The lock's owner may be a vCPU that waits for this CPU. */
static u64 long_spin(struct nvmx_vcpu *v, struct hv_call *c)
{
	pv_yield_to_any(v);
	return TLFS_SUCCESS;
}

static enum nvmx_action finish(struct nvmx_vcpu *v, u64 result)
{
	if (vmx_long_mode64(v)) {
		v->gpr[GPR_RAX] = result;
	} else {
		v->gpr[GPR_RAX] = (u32)result;
		v->gpr[GPR_RDX] = result >> 32;
	}
	vmx_skip_insn(v);
	return NVMX_RESUME;
}

/* Who has moved RIP meanwhile, has given the call up. */
static enum nvmx_action user_answered(struct nvmx_vcpu *v)
{
	if (vmx_rip(v) != v->hv->call_rip)
		return NVMX_RESUME;
	return finish(v, READ_ONCE(v->run->hyperv.u.hcall.result));
}

static u64 ask_user(struct nvmx_vcpu *v, struct hv_call *c)
{
	v->run->exit_reason = KVM_EXIT_HYPERV;
	v->run->hyperv = (struct kvm_hyperv_exit){
		.type = KVM_EXIT_HYPERV_HCALL,
		.u.hcall = { .input = c->control, .params = { c->in, c->out } },
	};
	v->hv->call_rip = vmx_rip(v);
	v->complete = user_answered;
	return NEXT_IS_USER;
}

/* User space that has no use for messages has not enabled the SynIC. */
static u64 post_message(struct nvmx_vcpu *v, struct hv_call *c)
{
	return v->hv->synic.active ? ask_user(v, c) : TLFS_INVALID_INPUT;
}

static u64 signal_event(struct nvmx_vcpu *v, struct hv_call *c)
{
	u64 result = hv_signal_event(v, c);

	return result == TLFS_INVALID_PORT ? post_message(v, c) : result;
}

static u64 debug(struct nvmx_vcpu *v, struct hv_call *c)
{
	if (!hv_debugger_allowed(v))
		return TLFS_INVALID_CODE;
	if (!(READ_ONCE(v->vm->hv->debugger.options) & TLFS_DEBUG_BY_HYPERCALL))
		return TLFS_OPERATION_DENIED;
	return ask_user(v, c);
}

/* ---- the table ---- */

#define FLUSH		TLFS_USE_REMOTE_FLUSH
#define FLUSH_EX	(TLFS_USE_REMOTE_FLUSH | TLFS_USE_EX_MASKS)
#define IPI		TLFS_USE_CLUSTER_IPI
#define IPI_EX		(TLFS_USE_CLUSTER_IPI | TLFS_USE_EX_MASKS)

static const struct hv_call_row rows[] = {
	{ TLFS_CALL_FLUSH_SPACE, XMM, ADVICE, FLUSH, hv_flush },
	{ TLFS_CALL_FLUSH_LIST, XMM | REPS, ADVICE, FLUSH, hv_flush },
	{ TLFS_CALL_LONG_SPIN, 0, SPIN, 0, long_spin },
	{ TLFS_CALL_SEND_IPI, 0, ADVICE, IPI, hv_send_ipi },
	{ TLFS_CALL_FLUSH_SPACE_EX, XMM | VAR, ADVICE, FLUSH_EX, hv_flush_ex },
	{ TLFS_CALL_FLUSH_LIST_EX, XMM | VAR | REPS, ADVICE, FLUSH_EX, hv_flush_ex },
	{ TLFS_CALL_SEND_IPI_EX, XMM | VAR, ADVICE, IPI_EX, hv_send_ipi_ex },
	{ TLFS_CALL_POST_MESSAGE, 0, FEATURE, TLFS_POST_MESSAGES, post_message },
	{ TLFS_CALL_SIGNAL_EVENT, 0, FEATURE, TLFS_SIGNAL_EVENTS, signal_event },
	{ TLFS_CALL_POST_DEBUG, SLOW | VAR, DEBUG, TLFS_DEBUGGING, debug },
	{ TLFS_CALL_RETRIEVE_DEBUG, SLOW | VAR, DEBUG, TLFS_DEBUGGING, debug },
	{ TLFS_CALL_RESET_DEBUG, VAR, DEBUG, TLFS_DEBUGGING, debug },
};

static const struct hv_call_row *find(u16 code)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

/* Where there is no debugger, its calls are unknown and not forbidden. */
static bool may_call(const struct nvmx_vcpu *v, const struct hv_call_row *row)
{
	const struct hv_vcpu *hv = v->hv;

	if (!hv->enforce)
		return true;
	switch ((enum leave)row->leave) {
	case FEATURE:
		return hv->cpuid.features_ebx & row->bits;
	case ADVICE:
		return (hv->cpuid.advice_eax & row->bits) == row->bits;
	case SPIN:
		return hv->cpuid.advice_ebx && hv->cpuid.advice_ebx != ~0u;
	case DEBUG:
		return !hv_debugger_allowed(v) || hv->cpuid.features_ebx & row->bits;
	default:
		return true;
	}
}

static bool shape_ok(const struct hv_call_row *row, const struct hv_call *c)
{
	if (c->var && !(row->flags & VAR))
		return false;
	if (row->flags & REPS)
		return c->reps && !c->first_rep;
	return row->leave == DEBUG || (!c->reps && !c->first_rep);
}

static u64 dispatch(struct nvmx_vcpu *v, const struct hv_call_row *row, struct hv_call *c)
{
	if (row && !may_call(v, row))
		return TLFS_ACCESS_DENIED;
	if (c->control & TLFS_CALL_RESERVED)
		return TLFS_INVALID_INPUT;
	if (!row)
		return TLFS_INVALID_CODE;
	if (!shape_ok(row, c))
		return TLFS_INVALID_INPUT;
	if (c->fast && row->flags & SLOW)
		return TLFS_INVALID_PARAMETER;
	return row->call(v, c);
}

/* ---- registers ---- */

static u64 pair(const struct nvmx_vcpu *v, enum nvmx_gpr high, enum nvmx_gpr low)
{
	return v->gpr[high] << 32 | (u32)v->gpr[low];
}

static void read_call(struct nvmx_vcpu *v, struct hv_call *c)
{
	memset(c, 0, sizeof(*c));
	c->wide = vmx_long_mode64(v);
	c->control = c->wide ? v->gpr[GPR_RCX] : pair(v, GPR_RDX, GPR_RAX);
	c->in = c->wide ? v->gpr[GPR_RDX] : pair(v, GPR_RBX, GPR_RCX);
	c->out = c->wide ? v->gpr[GPR_R8] : pair(v, GPR_RDI, GPR_RSI);
	c->code = TLFS_CALL_CODE(c->control);
	c->var = TLFS_CALL_VAR(c->control);
	c->reps = TLFS_CALL_REPS(c->control);
	c->first_rep = TLFS_CALL_FIRST_REP(c->control);
	c->fast = c->control & TLFS_CALL_FAST;
}

static void read_xmm(struct hv_call *c)
{
	u32 i;

	for (i = 0; i < TLFS_NR_XMM; i++)
		vmx_xmm_read(i, (u8 *)&c->xmm[2 * i]);
}

static bool xmm_allowed(const struct nvmx_vcpu *v)
{
	return !v->hv->enforce || v->hv->cpuid.features_edx & TLFS_XMM_INPUT;
}

bool hv_takes_hypercalls(const struct nvmx_vcpu *v)
{
	return v->hv->cpuid.on && READ_ONCE(v->vm->hv->guest_os_id);
}

enum nvmx_action hv_hypercall(struct nvmx_vcpu *v)
{
	const struct hv_call_row *row;
	struct hv_call c;
	u64 result;

	if (vmx_cpl(v) || !(vmx_cr0(v) & X86_CR0_PE))
		return vmx_fault(v, VEC_UD);
	read_call(v, &c);
	row = find(c.code);
	if (c.fast && row && row->flags & XMM && may_call(v, row)) {
		if (!xmm_allowed(v))
			return vmx_fault(v, VEC_UD);
		read_xmm(&c);
	}
	result = dispatch(v, row, &c);
	return result == NEXT_IS_USER ? NVMX_USER : finish(v, result);
}
