; SPDX-License-Identifier: Apache-2.0
;
; Whose SYN looks so: HoneySpam's own signatures, in the syntax of p0f 3 (its README describes it).
; Written from what is public about these stacks and from captures of our own; nothing is taken from p0f.fp.
; The first of equal matches counts, so within a section the particular comes before the general.

classes = win,unix,other

[tcp:request]

; ---- Linux ----
; The first window is 64 KiB rounded down to whole segments (4.20, tcp_rmem 131072); how often the MSS fits depends on
; the link. The scale follows tcp_rmem's maximum: 7 for 6 MiB, 10 for 32 MiB (6.16).

label = s:unix:Linux:6.16 or newer
sig   = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*46,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*47,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*48,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*49,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*50,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*7,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*1,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,nop,nop,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws,?34,nop,nop:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws,?30:df,id+:0

label = s:unix:Linux:4.20 to 6.15
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*46,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*47,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*48,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*49,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*50,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*7,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*1,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,7:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,7:mss,nop,nop,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws,?34,nop,nop:df,id+:0
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws,?30:df,id+:0

; A larger default of tcp_rmem: the window is all that fits in its 16 bits.
label = s:unix:Linux:with large buffers, often Android
sig   = *:64:0:*:65535,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,8:mss,sok,ts,nop,ws,?34,nop,nop:df,id+:0
sig   = *:64:0:*:65535,9:mss,sok,ts,nop,ws,?34,nop,nop:df,id+:0

label = s:unix:Linux:3.11 to 4.19
sig   = *:64:0:*:mss*20,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,7:mss,nop,nop,sok,nop,ws:df,id+:0

label = s:unix:Linux:2.6.39 to 3.10
sig   = *:64:0:*:mss*10,4:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,5:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,7:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.4 to 2.6.38
sig   = *:64:0:*:mss*4,0:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,1:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,2:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,3:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,4:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,5:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,7:mss,nop,nop,sok,nop,ws:df,id+:0

; ---- Windows ----

label = s:win:Windows:10 or 11
sig   = *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*46,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*47,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*48,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*49,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*50,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0

label = s:win:Windows:Vista to 8.1
sig   = *:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:8192,8:mss,nop,ws,sok,ts:df,id+:0
sig   = *:128:0:*:8192,2:mss,nop,ws,sok,ts:df,id+:0

label = s:win:Windows:2000, XP or Server 2003
sig   = *:128:0:*:65535,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:64240,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:mss*44,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:16384,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,1:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:65535,0:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+:0

label = s:win:Windows:98 or ME
sig   = *:128:0:*:8192,0:mss,nop,nop,sok:df,id+:0

; ---- Apple ----
; ECN is asked for on some connections; the IP id is 0 since 2015 or so.

label = s:unix:macOS:10.11 or newer, or iOS 9 or newer
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0
sig   = *:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = *:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0

label = s:unix:macOS:10.6 to 10.11, or iOS 8 or older
sig   = *:64:0:*:65535,1:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,2:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,3:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,4:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = *:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

; ---- other Unix ----

; The IP id of what is not to be fragmented is 0 since 11 (RFC 6864).
label = s:unix:FreeBSD:11 or newer
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df:0

label = s:unix:FreeBSD:9 or 10
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df,id+:0

label = s:unix:FreeBSD:8
sig   = *:64:0:*:65535,3:mss,nop,ws,sok,ts:df,id+:0

label = s:unix:OpenBSD:5 or newer
sig   = *:64:0:*:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:OpenBSD:4
sig   = *:64:0:*:16384,3:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0
sig   = *:64:0:*:16384,0:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:NetBSD:
sig   = *:64:0:*:32768,3:mss,nop,ws,sok,nop,nop,nop,nop,ts:df:0
sig   = *:64:0:*:32768,3:mss,nop,ws,sok,nop,nop,nop,nop,ts:df,id+:0

label = s:unix:Solaris:10
sig   = *:64:0:*:mss*34,0:mss,nop,ws,nop,nop,sok:df,id+:0

; ---- small and embedded ----

label = s:other:Cisco IOS:
sig   = *:255:0:*:4128,0:mss::0

label = s:other:lwIP:
sig   = *:255:0:*:mss*4,0:mss::0
sig   = *:64:0:*:mss*4,0:mss::0

; ---- programs that make their own packets ----

label = s:!:nmap:SYN scan
sys   = @unix,@win
sig   = *:64-:0:1460:1024,0:mss::0

label = s:!:masscan:
sys   = @unix,@win
sig   = *:255:0:0:1024,0:::0
sig   = *:255:0:1460:1024,0:mss::0

label = s:!:ZMap:
sys   = @unix
sig   = *:255:0:0:65535,0:::0
sig   = *:255:0:1460:65535,0:mss::0

label = s:!:Scapy:
sys   = @unix,@win
sig   = *:64:0:0:8192,0::seq-:0

label = s:!:hping:
sys   = @unix
sig   = *:64:0:0:512,0::ack+:0

; ---- last resort ----

label = g:unix:Linux:
sig   = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:*,*:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = *:64:0:*:*,*:mss,nop,nop,ts,nop,ws:df,id+:0
sig   = *:64:0:*:*,0:mss,sok,ts:df,id+:0
sig   = *:64:0:*:*,*:mss,sok,ts,nop,ws,?34,nop,nop:df,id+:0
sig   = *:64:0:*:*,*:mss,sok,ts,nop,ws,?30:df,id+:0

label = g:win:Windows:
sig   = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:128:0:*:*,*:mss,nop,ws,sok,ts:df,id+:0
sig   = *:128:0:*:*,0:mss,nop,nop,sok:df,id+:0
sig   = *:128:0:*:*,*:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+:0

label = g:unix:macOS or iOS:
sig   = *:64:0:*:*,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = *:64:0:*:*,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = g:unix:FreeBSD:
sig   = *:64:0:*:*,*:mss,nop,ws,sok,ts:df:0
sig   = *:64:0:*:*,*:mss,nop,ws,sok,ts:df,id+:0

label = g:!:made by hand:
sys   = @unix,@win
sig   = *:255-:0:0:*,0:::0
sig   = *:255-:0:0:*,0::ack+:0
