# What a SYN says of its sender is kept with the handshake.
include(os.cmake)

# The user-space TCP: passive open only, pure (stack.h is its contract).
add_library(fingerprintd_tcp STATIC
  ip_id.c pages.c siphash.c stack.c tcp_answer.c tcp_cookie.c tcp_emit.c tcp_flow.c tcp_handshake.c tcp_isn.c
  tcp_options.c tcp_recv.c tcp_send.c tcp_syn_ack.c tcp_table.c)
target_include_directories(fingerprintd_tcp PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(fingerprintd_tcp PUBLIC wire fingerprintd_os PRIVATE strict m)
