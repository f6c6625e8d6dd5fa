import FuldmagtTestBroker
import Testing

@Suite struct BrokerProcessTests {
    @Test("no port is told twice: of two brokers on one port the second would end, and its test use the first")
    func ports() throws {
        let ports = try (0..<1_000).map { _ in try BrokerProcess.freePort() }
        #expect(Set(ports).count == ports.count)
    }
}
