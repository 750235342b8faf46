/* One connection and its close over two channels that lose: the model on which spin is timed beside `explore`.
 *
 * Each side sends up to MOST segments of data and its FIN, in either order of closing. Segments are numbered from 1;
 * a FIN has the number after the last of data; a bare acknowledgement has number 0. Losses have no bound, a segment
 * is sent again whenever it is not acknowledged, and CLOSED answers with a reset. */
#define MOST 2
#define ROOM 2

mtype = { ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT, CLOSED };

chan wire[2] = [ROOM] of { byte, byte, bit, bit }; /* number, acknowledgement, FIN, RST */
mtype state[2] = ESTABLISHED;
byte una[2] = 1, nxt[2] = 1, rcv[2] = 1, last[2]; /* last: the number of this side's FIN, 0 before there is one */

#define open(s) (s == ESTABLISHED || s == CLOSE_WAIT)
#define acked(me) (last[me] && una[me] > last[me])

inline answer(me) {
    if
    :: nfull(wire[me]) -> wire[me]!0, rcv[me], 0, 0
    :: full(wire[me])
    fi
}

inline take(me) {
    if
    :: state[me] == CLOSED && !rst && nfull(wire[me]) -> wire[me]!0, 0, 0, 1
    :: state[me] == CLOSED && (rst || full(wire[me]))
    :: state[me] != CLOSED && rst -> state[me] = CLOSED
    :: state[me] != CLOSED && !rst ->
        if
        :: ack > una[me] && ack <= nxt[me] -> una[me] = ack
        :: else
        fi;
        if
        :: state[me] == FIN_WAIT_1 && acked(me) -> state[me] = FIN_WAIT_2
        :: state[me] == CLOSING && acked(me) -> state[me] = TIME_WAIT
        :: state[me] == LAST_ACK && acked(me) -> state[me] = CLOSED
        :: else
        fi;
        if
        :: number == 0 || state[me] == CLOSED
        :: number > 0 && state[me] != CLOSED ->
            if
            :: number == rcv[me] ->
                rcv[me]++;
                if
                :: fin && state[me] == ESTABLISHED -> state[me] = CLOSE_WAIT
                :: fin && state[me] == FIN_WAIT_1 -> state[me] = CLOSING
                :: fin && state[me] == FIN_WAIT_2 -> state[me] = TIME_WAIT
                :: else
                fi
            :: else
            fi;
            answer(me)
        fi
    fi;
    number = 0; ack = 0; fin = 0; rst = 0
}

proctype peer(bit me) {
    byte number, ack;
    bit fin, rst;
    do
    :: d_step { open(state[me]) && nxt[me] <= MOST && nfull(wire[me]) -> /* send */
        wire[me]!nxt[me], rcv[me], 0, 0; nxt[me]++ }
    :: d_step { open(state[me]) && nfull(wire[me]) -> /* close */
        last[me] = nxt[me]; wire[me]!nxt[me], rcv[me], 1, 0; nxt[me]++;
        state[me] = (state[me] == ESTABLISHED -> FIN_WAIT_1 : LAST_ACK) }
    :: d_step { state[me] != CLOSED && una[me] < nxt[me] && nfull(wire[me]) -> /* send again */
        wire[me]!una[me], rcv[me], (una[me] == last[me]), 0 }
    :: d_step { nempty(wire[1 - me]) -> wire[1 - me]?_, _, _, _ } /* lost */
    :: d_step { nempty(wire[1 - me]) -> wire[1 - me]?number, ack, fin, rst; take(me) }
    :: d_step { state[me] == TIME_WAIT || state[me] == FIN_WAIT_2 -> state[me] = CLOSED } /* a timer */
    od
}

init { atomic { run peer(0); run peer(1) } }
