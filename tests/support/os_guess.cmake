add_executable(os_guess support/os_guess.c)
target_link_libraries(os_guess PRIVATE strict fingerprintd_os)
