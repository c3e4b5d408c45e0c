/* Programs joined as a shell's | joins them. */
#include "unit/process_fixture.h"

static const struct reeve_process_spec cat = { .argv = (const char *[]){ "probe", "cat", NULL },
	.executable = PROBE_PATH };

static void expect_success(struct reeve_process **processes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect_exit(processes[i], 0);
}

/* Whatever its length, a chain of copies says what its first program said. */
START_TEST(bytes_pass_through_a_chain_of_any_length)
{
	for (size_t count = 1; count <= 40; count = count * 3 + 1) {
		struct reeve_process_spec specs[40];
		struct reeve_process *processes[40];
		struct reeve_process_descriptor output;
		char text[64];
		int fds[2];

		make_pipe(fds);
		output = (struct reeve_process_descriptor){ fds[1], 1 };
		specs[0] = (struct reeve_process_spec){ .shell = "printf 'one\ntwo\n'" };
		for (size_t i = 1; i < count; i++)
			specs[i] = cat;
		specs[count - 1].descriptors = &output;
		specs[count - 1].descriptor_count = 1;
		ck_assert_int_eq(reeve_process_pipeline(specs, count, NULL, processes), 0);
		close(fds[1]);
		read_all(fds[0], text, sizeof text);
		ck_assert_str_eq(text, "one\ntwo\n");
		close(fds[0]);
		expect_success(processes, count);
	}
}
END_TEST

/* No program holds an end that is another's: the end of one is seen by the next. */
START_TEST(a_reader_that_leaves_ends_the_writer)
{
	struct reeve_process_spec specs[] = { { .shell = "while echo y; do :; done" },
		{ .shell = "exit 0" } };
	struct reeve_process *processes[2];

	ck_assert_int_eq(reeve_process_pipeline(specs, 2, NULL, processes), 0);
	expect_signalled(processes[0], SIGPIPE);
	expect_exit(processes[1], 0);
}
END_TEST

START_TEST(a_pipeline_is_one_group)
{
	struct reeve_process_spec specs[3] = { cat, cat, cat };
	struct reeve_process_descriptor input;
	struct reeve_process *processes[3];
	int fds[2];

	make_pipe(fds);
	input = (struct reeve_process_descriptor){ fds[0], 0 };
	specs[0].descriptors = &input;
	specs[0].descriptor_count = 1;
	for (size_t i = 0; i < 3; i++)
		specs[i].flags = REEVE_PROCESS_SET_PROCESS_GROUP;
	specs[2].flags = 0;
	ck_assert_int_eq(reeve_process_pipeline(specs, 3, NULL, processes), 0);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(
			getpgid(reeve_process_pid(processes[i])), reeve_process_pid(processes[0]));
	ck_assert_int_eq(getpgid(reeve_process_pid(processes[2])), getpgrp());
	close(fds[0]);
	close(fds[1]);
	expect_success(processes, 3);
}
END_TEST

static void expect_refusal(const struct reeve_process_spec *specs, size_t count, int error,
	enum reeve_process_stage stage, size_t program)
{
	struct reeve_process_failure failure = { 0 };
	struct reeve_process *processes[4];

	ck_assert_int_eq(reeve_process_pipeline(specs, count, &failure, processes), error);
	ck_assert_int_eq(failure.error, error);
	ck_assert_str_eq(reeve_process_stage_name(failure.stage), reeve_process_stage_name(stage));
	ck_assert_uint_eq(failure.program, program);
}

START_TEST(one_that_fails_undoes_the_others)
{
	for (size_t bad = 0; bad < 4; bad++) {
		struct reeve_process_spec specs[4] = { cat, cat, cat, cat };

		specs[bad].executable = "/nonexistent";
		expect_refusal(specs, 4, -ENOENT, REEVE_PROCESS_STAGE_EXEC, bad);
		ck_assert(!has_child());
	}
}
END_TEST

START_TEST(what_joins_them_is_not_theirs_to_map)
{
	struct reeve_process_spec specs[3] = { cat, cat, cat };
	const struct reeve_process_descriptor input = { 0, 0 }, output = { 1, 1 };

	specs[1].descriptors = &input;
	specs[1].descriptor_count = 1;
	expect_refusal(specs, 3, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 1);
	specs[1].descriptors = &output;
	expect_refusal(specs, 3, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 1);
	expect_refusal(specs, 0, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
	expect_refusal(
		specs, REEVE_PROCESS_PIPELINE_MAX + 1, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_pipeline");
	TCase *tcase = leakproof_case("pipeline");

	tcase_add_test(tcase, bytes_pass_through_a_chain_of_any_length);
	tcase_add_test(tcase, a_reader_that_leaves_ends_the_writer);
	tcase_add_test(tcase, a_pipeline_is_one_group);
	tcase_add_test(tcase, one_that_fails_undoes_the_others);
	tcase_add_test(tcase, what_joins_them_is_not_theirs_to_map);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
