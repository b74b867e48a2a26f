/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry of an L1 payload (64-bit, identity-mapped, CPL 0), exception stubs, and the way into L2.
 */
	.section .text.start, "ax"
	.globl _start
_start:
	xor	%ebp, %ebp
	test	%edi, %edi
	jnz	1f
	lea	stack_top(%rip), %rsp
	call	l1_start
	/* Other vCPUs come with stacks of their own. */
1:	call	l1_other_start
2:	hlt
	jmp	2b

/* One stub per vector; a zero stands in where the CPU pushes no error code. */
	.text
	.altmacro
	.macro stub n
	.balign 16
	.if (\n == 8) || ((\n >= 10) && (\n <= 14)) || (\n == 17) || (\n == 21)
	.else
	push	$0
	.endif
	push	$\n
	jmp	common
	.endm

	.balign 16
	.globl exc_stubs
exc_stubs:
	.set i, 0
	.rept 256
	stub	%i
	.set i, i + 1
	.endr

common:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%r11
	push	%r10
	push	%r9
	push	%r8
	push	%rdi
	push	%rsi
	push	%rbp
	push	%rbx
	push	%rdx
	push	%rcx
	push	%rax
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	l1_exception
	mov	%rbx, %rsp
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rbx
	pop	%rbp
	pop	%rsi
	pop	%rdi
	pop	%r8
	pop	%r9
	pop	%r10
	pop	%r11
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	add	$16, %rsp
	iretq

	.macro swap_regs
	xchg	%rax, l2_regs+0(%rip)
	xchg	%rcx, l2_regs+8(%rip)
	xchg	%rdx, l2_regs+16(%rip)
	xchg	%rbx, l2_regs+24(%rip)
	xchg	%rbp, l2_regs+40(%rip)
	xchg	%rsi, l2_regs+48(%rip)
	xchg	%rdi, l2_regs+56(%rip)
	xchg	%r8, l2_regs+64(%rip)
	xchg	%r9, l2_regs+72(%rip)
	xchg	%r10, l2_regs+80(%rip)
	xchg	%r11, l2_regs+88(%rip)
	xchg	%r12, l2_regs+96(%rip)
	xchg	%r13, l2_regs+104(%rip)
	xchg	%r14, l2_regs+112(%rip)
	xchg	%r15, l2_regs+120(%rip)
	.endm

/*
 * u64 l2_enter(u64 launch): RFLAGS of a VMLAUNCH or VMRESUME that fell through (bit 0 or 6 set),
 * or 0 after an exit.  The L2's registers are in l2_regs.
 */
	.globl l2_enter
l2_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushf
	mov	$0x6c14, %eax		/* host_rsp */
	vmwrite	%rsp, %rax
	mov	l2_host_rsp(%rip), %rcx	/* an enlightened VMCS is memory */
	mov	%rsp, (%rcx)
	lea	l2_exit(%rip), %rcx
	mov	$0x6c16, %eax		/* host_rip */
	vmwrite	%rcx, %rax
	test	%rdi, %rdi
	jz	1f
	swap_regs
	vmlaunch
	jmp	2f
1:	swap_regs
	vmresume
2:	pushf
	swap_regs
	pop	%rax
	and	$0x41, %eax
	jmp	3f
	.globl l2_exit
l2_exit:
	swap_regs
	xor	%eax, %eax
3:	popf
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.data
	.balign 8
	.globl l2_host_rsp
l2_host_rsp:
	.quad	1f
1:	.quad	0

	.bss
	.balign 4096
	.skip	16384
	.globl stack_top
stack_top:
	.section .note.GNU-stack, "", @progbits
