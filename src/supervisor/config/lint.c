#include "config/reader.h"

void lint(struct reader *reader)
{
}
