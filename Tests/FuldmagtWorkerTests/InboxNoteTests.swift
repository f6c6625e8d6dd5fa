import FuldmagtWorker
import Testing

/// What a worker leaves beside its inbox's offset, and older versions have left there.
@Suite struct InboxNoteTests {
    @Test("what is written is read back; what earlier versions wrote too, and what is somebody else's is nothing")
    func text() {
        let note = InboxNote(
            mark: FrameMark(lineage: "a/b", frame: 7), life: "fuldmagt-f-w1-17",
            parked: .init(commands: 3, revocations: 1))
        #expect(note.text == "a/b/7 fuldmagt-f-w1-17 parked=3/1")
        #expect(InboxNote(text: note.text) == note)
        let earlier = InboxNote(text: "a/b/7 fuldmagt-f-w1-17")
        #expect(earlier == InboxNote(mark: note.mark, life: note.life, parked: nil))
        #expect(InboxNote(text: "a/b/7") == InboxNote(mark: note.mark, life: nil, parked: nil))
        #expect(InboxNote(text: "") == InboxNote(mark: nil, life: nil, parked: nil))
        #expect(InboxNote(text: "parked=x/1 parked=x").parked == nil)
    }
}
