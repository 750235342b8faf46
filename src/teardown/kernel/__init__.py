"""The real Linux kernel as a witness: scenarios played with real sockets and compared with the engine.

`rig` builds two machines out of network namespaces, `wire` carries (or loses) their packets, `play` makes the
socket calls, `observe` holds what was seen and compares it. `record` keeps observations as data, so that a
machine without root can check against them. Nothing below imports this package, and the browser has no use for it.
"""
