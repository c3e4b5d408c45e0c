/* long clone_call(long number, const long arguments[5], int (*run)(void *), void *argument)
 *
 * The kernel clobbers x0 only, so the child finds `run` and `argument` in registers, whatever its stack. */
	.text
	.globl	clone_call
	.hidden	clone_call
	.type	clone_call, %function
clone_call:
	.cfi_startproc
	hint	#34		/* bti c */
	mov	x8, x0
	mov	x7, x1
	mov	x9, x2
	mov	x10, x3
	ldp	x0, x1, [x7]
	ldp	x2, x3, [x7, #16]
	ldr	x4, [x7, #32]
	svc	#0
	cbz	x0, 1f
	ret
	.cfi_endproc

	/* The child: a frame without a caller. */
	.cfi_startproc
	.cfi_undefined x30
1:	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x10
	blr	x9
	mov	x8, #94		/* exit_group */
	svc	#0
	brk	#1
	.cfi_endproc
	.size	clone_call, . - clone_call

/* long kernel_child_call(long number, long a, long b, long c, long d, long e) */
	.globl	kernel_child_call
	.hidden	kernel_child_call
	.type	kernel_child_call, %function
kernel_child_call:
	.cfi_startproc
	hint	#34		/* bti c */
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	svc	#0
	ret
	.cfi_endproc
	.size	kernel_child_call, . - kernel_child_call
	.section .note.GNU-stack, "", %progbits
