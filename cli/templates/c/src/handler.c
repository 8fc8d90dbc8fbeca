// A handler in C: it answers each request by one call. The HTTP bridge, which `mik build -c` adds, does the rest.

#include <stdlib.h>
#include <string.h>

#include "service.h"

static void answer_json(exports_mik_core_handler_response_t *answer, uint16_t status, const char *json);

// Answers one request. Its path is relative to where the handler is mounted.
void exports_mik_core_handler_handle(exports_mik_core_handler_own_incoming_request_t request,
                                     exports_mik_core_handler_response_t *answer) {
  service_string_t path;
  bool is_home = true;
  if (wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request), &path)) {
    is_home = path.len == 0 || (path.ptr[0] == '/' && (path.len == 1 || path.ptr[1] == '?'));
    service_string_free(&path);
  }
  wasi_http_types_incoming_request_drop_own(request);

  if (is_home) {
    answer_json(answer, 200, "{\"message\":\"Hello from mik!\",\"version\":\"0.1.0\"}");
  } else {
    answer_json(answer, 404, "{\"error\":\"nothing is here\"}");
  }
}

// What is allocated for an answer is given back by the bindings, once it was taken.
static void answer_json(exports_mik_core_handler_response_t *answer, uint16_t status, const char *json) {
  static const char type[] = "application/json";
  service_tuple2_string_list_u8_t *header = malloc(sizeof *header);
  uint8_t *value = malloc(sizeof type - 1);
  if (header == NULL || value == NULL) {
    abort();
  }
  service_string_dup(&header->f0, "content-type");
  memcpy(value, type, sizeof type - 1);
  header->f1 = (service_list_u8_t){value, sizeof type - 1};

  answer->status = status;
  answer->headers = (service_list_tuple2_string_list_u8_t){header, 1};
  answer->body.tag = EXPORTS_MIK_CORE_HANDLER_RESPONSE_BODY_TEXT;
  service_string_dup(&answer->body.val.text, json);
}

// An answer may also be bytes, or be given piece by piece, as `body.val.stream`; this handler has none of that kind.
struct exports_mik_core_handler_body_source_t {
  char unused;
};

bool exports_mik_core_handler_method_body_source_next(exports_mik_core_handler_borrow_body_source_t self,
                                                      service_option_list_u8_t *piece, service_string_t *error) {
  (void)self;
  (void)error;
  piece->is_some = false;
  return true;
}

void exports_mik_core_handler_body_source_destructor(exports_mik_core_handler_body_source_t *source) {
  (void)source;
}
