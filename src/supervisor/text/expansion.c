#include "text/expansion.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/unicode.h"

/* One conversion: `%(name)` flags width .precision kind. */
struct conversion {
	const char *start; /* its `%` */
	const char *name;
	size_t name_length;
	bool left, plus, blank, alternate, zero;
	size_t width;
	bool has_precision;
	size_t precision;
	char kind;
};

struct expander {
	const char *format;
	const struct expansion_names *names;
	struct buffer *result;
	struct expansion_error *error;
};

void expansion_names_deinit(struct expansion_names *names)
{
	free(names->list);
	*names = (struct expansion_names){ 0 };
}

static struct expansion_name *find_here(
	const struct expansion_names *names, const char *name, size_t length)
{
	for (size_t i = 0; i < names->count; i++)
		if (strncmp(names->list[i].name, name, length) == 0 && !names->list[i].name[length])
			return &names->list[i];
	return NULL;
}

const struct expansion_name *expansion_find(
	const struct expansion_names *names, const char *name, size_t length)
{
	for (; names; names = names->parent) {
		const struct expansion_name *found = find_here(names, name, length);

		if (found)
			return found;
	}
	return NULL;
}

static int set(struct expansion_names *names, struct expansion_name value)
{
	struct expansion_name *old = find_here(names, value.name, strlen(value.name));

	if (old) {
		*old = value;
		return 0;
	}
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 16;
		struct expansion_name *list = reallocarray(names->list, capacity, sizeof *list);

		if (!list)
			return -ENOMEM;
		names->list = list;
		names->capacity = capacity;
	}
	names->list[names->count++] = value;
	return 0;
}

int expansion_set_text(struct expansion_names *names, const char *name, const char *text)
{
	return set(names, (struct expansion_name){ .name = name, .text = text });
}

int expansion_set_number(struct expansion_names *names, const char *name, int64_t number)
{
	return set(names, (struct expansion_name){ .name = name, .number = number });
}

void expansion_unshadow(struct expansion_names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->list[i].name;

		if (!expansion_find(names->parent, name, strlen(name)))
			names->list[kept++] = names->list[i];
	}
	names->count = kept;
}

static int bad_format(
	struct expander *expander, const struct conversion *conversion, const char *reason)
{
	*expander->error = (struct expansion_error){
		.fault = EXPANSION_BAD_FORMAT,
		.reason = reason,
		.position = (size_t)(conversion->start - expander->format),
	};
	return -EINVAL;
}

/* The name may hold balanced parentheses itself. */
static const char *parse_name(const char *p, struct conversion *conversion)
{
	int depth = 1;

	conversion->name = ++p;
	for (; *p; p++) {
		depth += (*p == '(') - (*p == ')');
		if (depth == 0) {
			conversion->name_length = (size_t)(p - conversion->name);
			return p + 1;
		}
	}
	return NULL;
}

static const char *parse_flags(const char *p, struct conversion *conversion)
{
	for (;; p++) {
		if (*p == '-')
			conversion->left = true;
		else if (*p == '+')
			conversion->plus = true;
		else if (*p == ' ')
			conversion->blank = true;
		else if (*p == '#')
			conversion->alternate = true;
		else if (*p == '0')
			conversion->zero = true;
		else
			return p;
	}
}

/* A number beyond `most` comes out as `most + 1`. */
static const char *parse_count(const char *p, size_t most, size_t *ret)
{
	size_t count = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (count <= most)
			count = count * 10 + (size_t)(*p - '0');
	*ret = count <= most ? count : most + 1;
	return p;
}

/* What follows the `%` at conversion->start. */
static int parse(struct expander *expander, struct conversion *conversion, const char **ret_rest)
{
	const char *p = conversion->start + 1;
	size_t limit = expander->result->limit < (1 << 20) ? expander->result->limit : 1 << 20;

	if (*p == '(') {
		p = parse_name(p, conversion);
		if (!p)
			return bad_format(
				expander, conversion, "the parenthesis after % is not closed");
	}
	p = parse_flags(p, conversion);
	p = parse_count(p, limit, &conversion->width);
	if (*p == '.') {
		conversion->has_precision = true;
		p = parse_count(p + 1, limit, &conversion->precision);
	}
	if (conversion->width > limit || conversion->precision > limit)
		return bad_format(expander, conversion, "the width is too large");
	if (*p == 'h' || *p == 'l' || *p == 'L')
		p++;
	conversion->kind = *p;
	*ret_rest = *p ? p + 1 : p;
	return 0;
}

static void pad(struct expander *expander, const struct conversion *conversion, const char *text,
	size_t length)
{
	size_t characters = utf8_count(text, length);
	size_t blanks = conversion->width > characters ? conversion->width - characters : 0;

	if (!conversion->left)
		buffer_fill(expander->result, ' ', blanks);
	buffer_add(expander->result, text, length);
	if (conversion->left)
		buffer_fill(expander->result, ' ', blanks);
}

static void put_text(
	struct expander *expander, const struct conversion *conversion, const char *text)
{
	size_t length = strlen(text);

	if (conversion->has_precision) {
		size_t characters = 0, end = 0;

		for (; end < length; end++) {
			characters += ((unsigned char)text[end] & 0xc0) != 0x80;
			if (characters > conversion->precision)
				break;
		}
		length = end;
	}
	pad(expander, conversion, text, length);
}

static const char *sign_of(const struct conversion *conversion, bool negative)
{
	return negative ? "-" : conversion->plus ? "+" : conversion->blank ? " " : "";
}

/* sign, prefix, zeros, digits, as wide as asked for. */
static void put_digits(struct expander *expander, const struct conversion *conversion,
	const char *sign, const char *prefix, const char *digits, size_t least_digits)
{
	size_t length = strlen(digits), head = strlen(sign) + strlen(prefix);
	size_t zeros = least_digits > length ? least_digits - length : 0;
	size_t used = head + zeros + length;
	size_t blanks = conversion->width > used ? conversion->width - used : 0;

	if (blanks && conversion->zero && !conversion->left) {
		zeros += blanks;
		blanks = 0;
	}
	if (!conversion->left)
		buffer_fill(expander->result, ' ', blanks);
	buffer_add_text(expander->result, sign);
	buffer_add_text(expander->result, prefix);
	buffer_fill(expander->result, '0', zeros);
	buffer_add_text(expander->result, digits);
	if (conversion->left)
		buffer_fill(expander->result, ' ', blanks);
}

static void put_integer(
	struct expander *expander, const struct conversion *conversion, int64_t number)
{
	uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
	const char *prefix = "";
	char digits[32];

	if (conversion->kind == 'o') {
		snprintf(digits, sizeof digits, "%" PRIo64, magnitude);
		prefix = "0o";
	} else if (conversion->kind == 'x') {
		snprintf(digits, sizeof digits, "%" PRIx64, magnitude);
		prefix = "0x";
	} else if (conversion->kind == 'X') {
		snprintf(digits, sizeof digits, "%" PRIX64, magnitude);
		prefix = "0X";
	} else {
		snprintf(digits, sizeof digits, "%" PRIu64, magnitude);
	}
	put_digits(expander, conversion, sign_of(conversion, number < 0),
		conversion->alternate ? prefix : "", digits, conversion->precision);
}

static int put_float(struct expander *expander, const struct conversion *conversion, int64_t number)
{
	int precision = conversion->has_precision ? (int)conversion->precision : 6;
	double magnitude = number < 0 ? -(double)number : (double)number;
	char digits[512];
	int length = -1;

	if (precision > 400)
		return bad_format(expander, conversion, "the precision is too large");
	switch (conversion->kind) {
	case 'e':
		length = snprintf(digits, sizeof digits, conversion->alternate ? "%#.*e" : "%.*e",
			precision, magnitude);
		break;
	case 'E':
		length = snprintf(digits, sizeof digits, conversion->alternate ? "%#.*E" : "%.*E",
			precision, magnitude);
		break;
	case 'g':
		length = snprintf(digits, sizeof digits, conversion->alternate ? "%#.*g" : "%.*g",
			precision, magnitude);
		break;
	case 'G':
		length = snprintf(digits, sizeof digits, conversion->alternate ? "%#.*G" : "%.*G",
			precision, magnitude);
		break;
	default:
		length = snprintf(digits, sizeof digits, conversion->alternate ? "%#.*f" : "%.*f",
			precision, magnitude);
		break;
	}
	if (length < 0 || (size_t)length >= sizeof digits)
		return bad_format(expander, conversion, "the number is too long");
	put_digits(expander, conversion, sign_of(conversion, number < 0), "", digits, 0);
	return 0;
}

/* Python's repr() of a string; `ascii` escapes every character beyond ASCII as well. */
static void quote(struct buffer *result, const char *text, bool ascii)
{
	const char *end = text + strlen(text);
	char mark = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';

	buffer_add_char(result, mark);
	while (text < end) {
		uint32_t c = (unsigned char)*text;
		size_t length = utf8_decode(text, end, &c);

		length = length ? length : 1;
		if (c == (unsigned char)mark || c == '\\')
			buffer_print(result, "\\%c", (char)c);
		else if (c == '\n' || c == '\r' || c == '\t')
			buffer_add_text(result, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
		else if (c < 0x20 || (c >= 0x7f && c < 0xa1) || c == 0xad ||
			 (ascii && c >= 0x7f && c < 0x100))
			buffer_print(result, "\\x%02" PRIx32, c);
		else if ((ascii && c >= 0x7f && c < 0x10000) ||
			 (c < 0x10000 && is_python_space(c) && c != ' '))
			buffer_print(result, "\\u%04" PRIx32, c);
		else if (ascii && c >= 0x10000)
			buffer_print(result, "\\U%08" PRIx32, c);
		else
			buffer_add(result, text, length);
		text += length;
	}
	buffer_add_char(result, mark);
}

static int put_quoted(
	struct expander *expander, const struct conversion *conversion, const char *text)
{
	struct buffer quoted = BUFFER(expander->result->limit);
	int r;

	quote(&quoted, text, conversion->kind == 'a');
	r = quoted.error;
	if (r == 0)
		put_text(expander, conversion, buffer_text(&quoted));
	buffer_deinit(&quoted);
	return r;
}

static int put_character(struct expander *expander, const struct conversion *conversion,
	const struct expansion_name *value)
{
	char bytes[5] = { 0 };

	if (value->text) {
		if (utf8_count(value->text, strlen(value->text)) != 1)
			return bad_format(expander, conversion, "%c needs a single character");
		pad(expander, conversion, value->text, strlen(value->text));
		return 0;
	}
	if (value->number <= 0 || value->number > 0x10ffff)
		return bad_format(expander, conversion, "%c needs the number of a character");
	pad(expander, conversion, bytes, utf8_write((uint32_t)value->number, bytes));
	return 0;
}

static int put_value(struct expander *expander, const struct conversion *conversion,
	const struct expansion_name *value)
{
	char decimal[32];

	if (!conversion->kind)
		return bad_format(
			expander, conversion, "it ends before its letter, as in %(name)s");
	if (conversion->kind == 'c')
		return put_character(expander, conversion, value);
	if (strchr("sra", conversion->kind)) {
		if (value->text && conversion->kind != 's')
			return put_quoted(expander, conversion, value->text);
		snprintf(decimal, sizeof decimal, "%" PRId64, value->number);
		put_text(expander, conversion, value->text ? value->text : decimal);
		return 0;
	}
	if (!strchr("diuoxXeEfFgG", conversion->kind))
		return bad_format(expander, conversion,
			"this is no letter of a conversion (a literal % is written %%)");
	if (value->text)
		return bad_format(expander, conversion,
			"this letter is for numbers and the value is a text: use s");
	if (strchr("eEfFgG", conversion->kind))
		return put_float(expander, conversion, value->number);
	put_integer(expander, conversion, value->number);
	return 0;
}

static int put_conversion(struct expander *expander, const char *start, const char **ret_rest)
{
	struct conversion conversion = { .start = start };
	const struct expansion_name *value;
	int r;

	if (start[1] == '%') {
		buffer_add_char(expander->result, '%');
		*ret_rest = start + 2;
		return 0;
	}
	r = parse(expander, &conversion, ret_rest);
	if (r < 0)
		return r;
	if (!conversion.name)
		return bad_format(
			expander, &conversion, "no (name) after % (a literal % is written %%)");
	value = expansion_find(expander->names, conversion.name, conversion.name_length);
	if (!value) {
		*expander->error = (struct expansion_error){
			.fault = EXPANSION_UNKNOWN_NAME,
			.name = conversion.name,
			.name_length = conversion.name_length,
			.position = (size_t)(start - expander->format),
		};
		return -EINVAL;
	}
	return put_value(expander, &conversion, value);
}

int expand(const char *format, const struct expansion_names *names, struct buffer *result,
	struct expansion_error *ret_error)
{
	struct expander expander = { format, names, result, ret_error };

	for (const char *percent; (percent = strchr(format, '%'));) {
		int r;

		buffer_add(result, format, (size_t)(percent - format));
		r = put_conversion(&expander, percent, &format);
		if (r < 0)
			return r;
	}
	buffer_add_text(result, format);
	return result->error;
}
