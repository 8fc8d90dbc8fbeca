/* A plugin that tries every function of the host, also with what it must not be given, and answers with
 * the checks that failed, or with `ok`. The request has the headers `x-many: 1`, `x-many: 2` and
 * `x-one: first`. */

#include <stdio.h>
#include <string.h>

#include "mik_plugin.h"

static const mik_host *mik;
static mik_context *self;
static char failed[4096];

#define CHECK(holds)                                                      \
    do {                                                                  \
        if (!(holds)) {                                                   \
            size_t at = strlen(failed);                                   \
            snprintf(failed + at, sizeof(failed) - at, "%s\n", #holds);   \
        }                                                                 \
    } while (0)

static const mik_str NOTHING = {NULL, 0};

static int is(mik_str text, const char *expected) {
    return text.ptr != NULL && text.len == strlen(expected) &&
           memcmp(text.ptr, expected, text.len) == 0;
}

static int32_t create(const mik_host *host, mik_context *context, mik_str config, void **plugin) {
    (void)config;
    self = context;
    CHECK(host == mik && host->size >= sizeof(mik_host));
    CHECK(MIK_HAS(host, mik_host, body_write));
    CHECK(host->abi_major == MIK_ABI_MAJOR && host->product.len > 4);
    /* There is no meter yet. */
    CHECK(host->counter_add(context, MIK_STR("early"), 1) == MIK_NOT_NOW);
    host->log(context, MIK_WARN, MIK_STR("a line\nwith \x1b[31mcolour"));
    host->log(context, MIK_INFO, NOTHING);
    host->log(NULL, MIK_INFO, MIK_STR("nobody's"));
    *plugin = &failed;
    return MIK_OK;
}

static void headers(mik_request *request) {
    mik_str value = NOTHING, name = NOTHING, old = NOTHING, second = NOTHING;
    CHECK(mik->header_get(request, MIK_STR("X-ONE"), 0, &old) == MIK_OK && is(old, "first"));
    CHECK(mik->header_get(request, MIK_STR("x-many"), 1, &second) == MIK_OK && is(second, "2"));
    CHECK(mik->header_get(request, MIK_STR("x-many"), 2, &value) == MIK_NONE);
    CHECK(mik->header_get(request, MIK_STR("x-none"), 0, &value) == MIK_NONE);
    CHECK(mik->header_get(request, NOTHING, 0, &value) == MIK_INVALID);
    CHECK(mik->header_get(request, MIK_STR("x-one"), 0, NULL) == MIK_INVALID);
    CHECK(mik->header_get(NULL, MIK_STR("x-one"), 0, &value) == MIK_INVALID);
    CHECK(mik->header_at(request, 0, &name, &value) == MIK_OK && name.len > 0);
    CHECK(mik->header_at(request, 99, &name, &value) == MIK_NONE);

    CHECK(mik->header_set(request, MIK_STR("x-one"), MIK_STR("second")) == MIK_OK);
    CHECK(mik->header_set(request, MIK_STR("x-many"), MIK_STR("3")) == MIK_OK);
    CHECK(mik->header_get(request, MIK_STR("x-many"), 0, &value) == MIK_OK && is(value, "3"));
    CHECK(mik->header_get(request, MIK_STR("x-many"), 1, &value) == MIK_NONE);
    CHECK(mik->header_remove(request, MIK_STR("x-one")) == MIK_OK);
    CHECK(mik->header_remove(request, MIK_STR("x-one")) == MIK_NONE);
    /* What was given stays valid until the hook returns. */
    CHECK(is(old, "first") && is(second, "2"));

    CHECK(mik->header_append(request, MIK_STR("x-new"), MIK_STR("a")) == MIK_OK);
    CHECK(mik->header_append(request, MIK_STR("x-new"), MIK_STR("")) == MIK_OK);
    CHECK(mik->header_get(request, MIK_STR("x-new"), 1, &value) == MIK_OK && is(value, ""));
    CHECK(mik->header_set(request, MIK_STR("x bad"), MIK_STR("a")) == MIK_INVALID);
    CHECK(mik->header_set(request, MIK_STR(""), MIK_STR("a")) == MIK_INVALID);
    CHECK(mik->header_set(request, MIK_STR("x-bad"), MIK_STR("a\r\nb: c")) == MIK_INVALID);
    CHECK(mik->header_set(request, MIK_STR("x-bad"), MIK_STR("a\0b")) == MIK_INVALID);
    CHECK(mik->header_set(request, MIK_STR("x-bad"), NOTHING) == MIK_INVALID);
    CHECK(mik->header_append(request, MIK_STR("x-bad"), MIK_STR("\x7f")) == MIK_INVALID);
    CHECK(mik->header_get(request, MIK_STR("x-bad"), 0, &value) == MIK_NONE);
    CHECK(mik->header_set(request, MIK_STR("Content-Length"), MIK_STR("7")) == MIK_DENIED);
    CHECK(mik->header_append(request, MIK_STR("transfer-encoding"), MIK_STR("x")) == MIK_DENIED);
    CHECK(mik->header_remove(request, MIK_STR("host")) == MIK_DENIED);
    CHECK(mik->header_set(request, MIK_STR("connection"), MIK_STR("close")) == MIK_DENIED);
}

static void numbers(void) {
    char name[70], many[16];
    memset(name, 'a', sizeof(name));
    mik_str longest = {name, 64}, longer = {name, 65};
    CHECK(mik->counter_add(self, MIK_STR("seen"), 2) == MIK_OK);
    CHECK(mik->counter_add(self, MIK_STR("seen"), 3) == MIK_OK);
    CHECK(mik->histogram_record(self, MIK_STR("seen"), 1.0) == MIK_INVALID);
    CHECK(mik->histogram_record(self, MIK_STR("size"), 0.5) == MIK_OK);
    CHECK(mik->histogram_record(self, MIK_STR("size"), 0.0 / 0.0) == MIK_INVALID);
    CHECK(mik->counter_add(self, MIK_STR("Seen"), 1) == MIK_INVALID);
    CHECK(mik->counter_add(self, MIK_STR("a-b"), 1) == MIK_INVALID);
    CHECK(mik->counter_add(self, MIK_STR("a_total"), 1) == MIK_INVALID);
    CHECK(mik->counter_add(self, MIK_STR("1a"), 1) == MIK_INVALID);
    CHECK(mik->counter_add(self, NOTHING, 1) == MIK_INVALID);
    CHECK(mik->counter_add(self, longest, 1) == MIK_OK);
    CHECK(mik->counter_add(self, longer, 1) == MIK_INVALID);
    for (int i = 3; i < 64; i++) {
        int length = snprintf(many, sizeof(many), "many_%d", i);
        mik_str next = {many, (size_t)length};
        CHECK(mik->counter_add(self, next, 1) == MIK_OK);
    }
    CHECK(mik->counter_add(self, MIK_STR("one_too_many"), 1) == MIK_LIMIT);
    CHECK(mik->counter_add(self, MIK_STR("seen"), 1) == MIK_OK);
}

static int32_t request_head(void *plugin, mik_request *request, void **state) {
    mik_header plain = {MIK_STR_INIT("content-type"), MIK_STR_INIT("text/plain")};
    CHECK(plugin == &failed && *state == NULL);
    CHECK(is(mik->text(request, MIK_METHOD), "GET"));
    CHECK(is(mik->text(request, MIK_PATH), "/run/a/x%20y"));
    CHECK(is(mik->text(request, MIK_QUERY), ""));
    CHECK(is(mik->text(request, MIK_ROUTE), "/run/a/*"));
    CHECK(is(mik->text(request, MIK_MODULE), "a"));
    CHECK(mik->text(request, MIK_SCRIPT).ptr == NULL);
    CHECK(mik->text(request, MIK_REQUEST_ID).len == 32);
    CHECK(mik->text(request, MIK_REQUEST_ID).ptr == mik->text(request, MIK_REQUEST_ID).ptr);
    CHECK(is(mik->text(request, MIK_PEER), "192.0.2.1:5555"));
    CHECK(is(mik->text(request, MIK_PEER_IP), "192.0.2.1"));
    CHECK(mik->text(request, 0).ptr == NULL && mik->text(request, 99).ptr == NULL);
    CHECK(mik->text(NULL, MIK_METHOD).ptr == NULL);
    CHECK(mik->status(request) == 0 && mik->status_set(request, 200) == MIK_NOT_NOW);
    CHECK(mik->monotonic_ns() <= mik->monotonic_ns());
    CHECK(mik->unix_ns() > 1700000000000000000u);
    headers(request);
    numbers();
    const char *said = failed[0] == '\0' ? "ok" : failed;
    mik_str body = {said, strlen(said)};
    return mik->reply(request, 200, &plain, 1, body);
}

static const mik_plugin table = {
    .size = sizeof(mik_plugin),
    .abi_major = MIK_ABI_MAJOR,
    .abi_minor = MIK_ABI_MINOR,
    .name = MIK_STR_INIT("checks"),
    .version = MIK_STR_INIT("0"),
    .create = create,
    .request_head = request_head,
};

MIK_EXPORT const mik_plugin *mik_plugin_query(const mik_host *host) {
    mik = host;
    return &table;
}
