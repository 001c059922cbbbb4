/**
 * The shapes that the control API sends, as JSDoc types. They mirror homeport.model; nothing runs here.
 *
 * @typedef {{code: string, what: string, why: string, next: string}} Finding
 *
 * @typedef {"idle"|"waiting"|"starting"|"ready"|"backoff"|"stopping"|"stopped"|"exited"|"failed"} AppWord
 *
 * @typedef {object} AppState
 * @property {string} name
 * @property {string} project
 * @property {string} folder
 * @property {string} route the app's handle on this engine
 * @property {"process"|"directory"} kind
 * @property {AppWord} state
 * @property {string} command
 * @property {number|null} pid
 * @property {string} address
 * @property {number|null} port
 * @property {string[]} listens
 * @property {string} url
 * @property {string[]} urls
 * @property {string} started
 * @property {number|null} exit_code
 * @property {number} restarts
 * @property {boolean} exposed
 * @property {boolean} default
 * @property {Finding|null} finding
 * @property {string} notice
 *
 * @typedef {object} RouteState
 * @property {string} name
 * @property {"app"|"http"|"https"|"unix"|"tcp"|"udp"|"control"} kind
 * @property {string} target
 * @property {string} url
 * @property {string[]} urls
 * @property {string} listen
 * @property {boolean} default
 * @property {string} access who may use it, in words
 * @property {"also"|"only"|"off"} https
 * @property {""|"terminate"|"pass"} tls of a tcp route
 * @property {{address: string, url: string, access: string, since: string, ends: string}|null} exposed to other computers
 * @property {number} active
 * @property {number} visits
 * @property {UdpState|null} udp of a udp route: what passed
 * @property {boolean} gone only in events: it was removed
 *
 * @typedef {{datagrams: number, bytes: number, dropped: number, duplicated: number, reordered: number,
 *            delay_p50_ms: number|null, delay_p99_ms: number|null, delay_max_ms: number|null}} DatagramCounts
 * @typedef {{client: string, idle_s: number, up: DatagramCounts, down: DatagramCounts}} UdpClientState
 *
 * @typedef {object} UdpState
 * @property {number} active
 * @property {DatagramCounts} up
 * @property {DatagramCounts} down
 * @property {number} turned_away
 * @property {number} overflowed
 * @property {number} refused
 * @property {UdpClientState[]} clients the busiest
 *
 * @typedef {object} ConditionsState
 * @property {string} route
 * @property {string} client "" for everybody
 * @property {string} profile
 * @property {string} text KEY=VALUE words
 * @property {string[]} words plain ones
 * @property {string} ends
 * @property {string} timeline
 * @property {Record<string, number>} counts
 * @property {boolean} [gone] only in events: it was cleared
 *
 * @typedef {{name: string, text: string, source: string, words: string[]}} ProfileState
 * @typedef {{p50_ms: number, p95_ms: number}} DelayMeasured
 *
 * @typedef {object} RouteMeasured
 * @property {string} route
 * @property {number} up_bps
 * @property {number} down_bps
 * @property {number} answers
 * @property {number|null} answer_p50_ms
 * @property {number|null} answer_p95_ms
 * @property {DelayMeasured|null} up_delay
 * @property {DelayMeasured|null} down_delay
 *
 * @typedef {{at: string, span_ms: number, routes: RouteMeasured[]}} Measured
 *
 * @typedef {{exchanges: number, bytes: number, lost: number, lost_why: string, lost_lines: number, problem: string}} RecordingState
 *
 * @typedef {object} EngineState
 * @property {string} version
 * @property {number} pid
 * @property {string} home
 * @property {string} started
 * @property {string[]} doors
 * @property {string} url
 * @property {string} dashboard
 * @property {string[]} warnings
 * @property {RecordingState} recording
 *
 * @typedef {object} ExchangeSummary
 * @property {number} id
 * @property {"http"|"upgrade"|"tcp"|"udp"} kind
 * @property {string} route
 * @property {string} client
 * @property {string} started
 * @property {string} method
 * @property {string} host
 * @property {string} path
 * @property {number} status
 * @property {string} type
 * @property {number|null} duration_ms
 * @property {number} request_bytes
 * @property {number} response_bytes
 * @property {string} ending
 * @property {string} why
 * @property {string} process
 * @property {string} conditions the network that it felt, "" for as it is
 *
 * @typedef {object} Body
 * @property {number} bytes_on_wire
 * @property {number} kept
 * @property {boolean} truncated
 * @property {string} type
 * @property {string} coding
 * @property {string|null} text
 * @property {string|null} base64
 *
 * @typedef {object} Message
 * @property {number} at_ms
 * @property {boolean} from_client
 * @property {string} kind
 * @property {number} bytes
 * @property {string|null} text
 * @property {string|null} base64
 *
 * @typedef {{line: string, headers: [string, string][]}} Head
 * @typedef {{receive_head: number|null, connect: number|null, send: number|null, wait: number|null,
 *            receive: number|null}} Timings
 *
 * @typedef {object} ExchangeDetail
 * @property {ExchangeSummary} summary
 * @property {string} upstream
 * @property {boolean} reused
 * @property {Head} request
 * @property {Body} request_body
 * @property {Head} response
 * @property {Body} response_body
 * @property {Timings} timings
 * @property {Message[]} messages
 * @property {number} messages_lost
 * @property {ConditionsFelt|null} conditions what they decided
 *
 * @typedef {{at_ms: number, from_client: boolean, number: number, bytes: number, words: string}} Decided
 * @typedef {{number: number, client: string, text: string, changes: number, decisions: Decided[], more: number}} ConditionsFelt
 *
 * @typedef {{id: number, app: string, at: string, stream: "out"|"err"|"homeport", text: string,
 *            continues: boolean}} LogLine
 *
 * @typedef {{engine: EngineState|null, apps: AppState[], routes: RouteState[]}} StatusAnswer
 */

export {};
