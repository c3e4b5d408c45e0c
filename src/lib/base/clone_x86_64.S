/* long clone_call(long number, const long arguments[5], int (*run)(void *), void *argument)
 *
 * The kernel clobbers rax, rcx and r11 only, so the child finds `run` and `argument` in registers, whatever its stack. */
	.text
	.globl	clone_call
	.hidden	clone_call
	.type	clone_call, @function
clone_call:
	.cfi_startproc
	endbr64
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	movq	%rdi, %rax
	movq	%rsi, %r11
	movq	%rdx, %r9
	movq	%rcx, %rbx
	movq	0(%r11), %rdi
	movq	8(%r11), %rsi
	movq	16(%r11), %rdx
	movq	24(%r11), %r10
	movq	32(%r11), %r8
	syscall
	testq	%rax, %rax
	jz	1f
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	ret
	.cfi_endproc

	/* The child: a frame without a caller. */
	.cfi_startproc
	.cfi_undefined rip
1:	xorl	%ebp, %ebp
	andq	$-16, %rsp
	movq	%rbx, %rdi
	call	*%r9
	movl	%eax, %edi
	movl	$231, %eax	/* exit_group */
	syscall
	hlt
	.cfi_endproc
	.size	clone_call, . - clone_call

/* long kernel_child_call(long number, long a, long b, long c, long d, long e) */
	.globl	kernel_child_call
	.hidden	kernel_child_call
	.type	kernel_child_call, @function
kernel_child_call:
	.cfi_startproc
	endbr64
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	syscall
	ret
	.cfi_endproc
	.size	kernel_child_call, . - kernel_child_call
	.section .note.GNU-stack, "", @progbits
