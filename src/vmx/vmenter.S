/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way into the guest and out of it.
 *
 * Everything here runs between the host's and the guest's trust: no indirect branch and no RET
 * stands between a write of SPEC_CTRL for the guest and the entry, nor between the exit and the
 * filling of the return stack; buffers are cleared last before the entry; no guest value stays
 * in a register after the exit.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>
#include <nvmx/compat.h>

/* enum nvmx_gpr, in units of eight bytes */
#define RAX_OFFSET	0x00
#define RCX_OFFSET	0x08
#define RDX_OFFSET	0x10
#define RBX_OFFSET	0x18
#define RBP_OFFSET	0x28
#define RSI_OFFSET	0x30
#define RDI_OFFSET	0x38
#define R8_OFFSET	0x40
#define R9_OFFSET	0x48
#define R10_OFFSET	0x50
#define R11_OFFSET	0x58
#define R12_OFFSET	0x60
#define R13_OFFSET	0x68
#define R14_OFFSET	0x70
#define R15_OFFSET	0x78

/* struct vmx_entry */
#define ENTRY_GPR	0x00
#define ENTRY_HOST_RSP	0x08
#define ENTRY_SPEC_CTRL	0x10
#define ENTRY_FLAGS	0x18
#define ENTER_RESUME_BIT 0
#define ENTER_SAVE_BIT	1

#define HOST_RSP_FIELD	0x6c14

	.section .noinstr.text, "ax"

/*
 * int vmx_enter_guest(struct vmx_entry *e)
 *
 * On the stack at the entry, and so at the exit: e->gpr on top, then e.
 */
SYM_FUNC_START(vmx_enter_guest)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi
	push	ENTRY_GPR(%rdi)

	/* The stack's depth differs between call chains, seldom between two entries. */
	mov	ENTRY_HOST_RSP(%rdi), %rax
	cmp	%rsp, (%rax)
	je	.Lrsp_is_set
	mov	%rsp, (%rax)
	mov	$HOST_RSP_FIELD, %ecx
.Lwrite_rsp:
	vmwrite	%rsp, %rcx
	jbe	.Lnot_entered
.Lrsp_is_set:
	mov	ENTRY_FLAGS(%rdi), %ebx

	ALTERNATIVE "jmp .Lguest_spec_ctrl_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	ENTRY_SPEC_CTRL(%rdi), %eax
	cmp	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	je	.Lguest_spec_ctrl_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lguest_spec_ctrl_done:

	/* CF says VMRESUME; MOV and VERW leave it alone. */
	bt	$ENTER_RESUME_BIT, %ebx
	mov	(%rsp), %rax
	mov	RCX_OFFSET(%rax), %rcx
	mov	RDX_OFFSET(%rax), %rdx
	mov	RBX_OFFSET(%rax), %rbx
	mov	RBP_OFFSET(%rax), %rbp
	mov	RSI_OFFSET(%rax), %rsi
	mov	RDI_OFFSET(%rax), %rdi
	mov	R8_OFFSET(%rax), %r8
	mov	R9_OFFSET(%rax), %r9
	mov	R10_OFFSET(%rax), %r10
	mov	R11_OFFSET(%rax), %r11
	mov	R12_OFFSET(%rax), %r12
	mov	R13_OFFSET(%rax), %r13
	mov	R14_OFFSET(%rax), %r14
	mov	R15_OFFSET(%rax), %r15
	mov	RAX_OFFSET(%rax), %rax

	CLEAR_CPU_BUFFERS

	jnc	.Llaunch

	/* An exit comes back at vmx_exit_point with the stack as it is here. */
	UNWIND_HINT_SAVE
.Lresume:
	vmresume
	jmp	.Lnot_entered
.Llaunch:
	vmlaunch
	jmp	.Lnot_entered

	_ASM_EXTABLE(.Lwrite_rsp, .Lnot_entered)
	_ASM_EXTABLE(.Lresume, .Lnot_entered)
	_ASM_EXTABLE(.Llaunch, .Lnot_entered)

SYM_INNER_LABEL(vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR

	push	%rax
	mov	8(%rsp), %rax
	pop	RAX_OFFSET(%rax)
	mov	%rcx, RCX_OFFSET(%rax)
	mov	%rdx, RDX_OFFSET(%rax)
	mov	%rbx, RBX_OFFSET(%rax)
	mov	%rbp, RBP_OFFSET(%rax)
	mov	%rsi, RSI_OFFSET(%rax)
	mov	%rdi, RDI_OFFSET(%rax)
	mov	%r8, R8_OFFSET(%rax)
	mov	%r9, R9_OFFSET(%rax)
	mov	%r10, R10_OFFSET(%rax)
	mov	%r11, R11_OFFSET(%rax)
	mov	%r12, R12_OFFSET(%rax)
	mov	%r13, R13_OFFSET(%rax)
	mov	%r14, R14_OFFSET(%rax)
	mov	%r15, R15_OFFSET(%rax)

	/* The result, in a register that survives what follows. */
	xor	%ebx, %ebx

.Lforget_guest:
	add	$8, %rsp
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	pop	%rdi

	/*
	 * Back to the host's SPEC_CTRL. Where the kernel relies on IBRS being written after a less
	 * trusted mode, it is written even if the values are equal.
	 */
	ALTERNATIVE "jmp .Lhost_spec_ctrl_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	testl	$(1 << ENTER_SAVE_BIT), ENTRY_FLAGS(%rdi)
	jz	.Lguest_spec_ctrl_known
	rdmsr
	mov	%eax, ENTRY_SPEC_CTRL(%rdi)
.Lguest_spec_ctrl_known:
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	ALTERNATIVE "", "jmp .Lwrite_host_spec_ctrl", X86_FEATURE_KERNEL_IBRS
	cmp	%eax, ENTRY_SPEC_CTRL(%rdi)
	je	.Lhost_spec_ctrl_equal
.Lwrite_host_spec_ctrl:
	xor	%edx, %edx
	wrmsr
.Lhost_spec_ctrl_equal:
	/* A mispredicted branch above must not skip the write and go on speculating. */
	lfence
.Lhost_spec_ctrl_done:

	CLEAR_BRANCH_HISTORY_VMEXIT

	mov	%ebx, %eax
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lnot_entered:
	mov	$1, %ebx
	jmp	.Lforget_guest
SYM_FUNC_END(vmx_enter_guest)

/*
 * Call an entry of the IDT with the frame that the CPU would have pushed.  Its IRET takes the frame
 * away, which objtool cannot know.
 */
.macro CALL_GATE call:vararg
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	push	$__KERNEL_CS
	\call
	mov	%rbp, %rsp
	pop	%rbp
.endm

/*
 * void vmx_handle_irq(unsigned long handler)
 *
 * Interrupts are off, and the handler's IRET leaves them so.
 */
SYM_FUNC_START(vmx_handle_irq)
	CALL_GATE CALL_NOSPEC rdi
	RET
SYM_FUNC_END(vmx_handle_irq)

/*
 * void vmx_handle_nmi(void)
 *
 * The handler's IRET ends the blocking of NMIs.
 */
SYM_FUNC_START(vmx_handle_nmi)
	CALL_GATE call NVMX_NMI_ENTRY
	RET
SYM_FUNC_END(vmx_handle_nmi)
