import DequeModule
import OrderedCollections

extension CoordinatorMachine {
    /// How many entries memory holds only for work under way, by what they are. Where no job is open there
    /// are none: what is left then would stay for good.
    package var booksOfOpenWork: [String: Int] {
        [
            "workers that failed a task": avoided.count,
            "tasks that two workers try": elders.count,
            "images to be looked at": due.count,
            "jobs to be looked at": arrivals.count,
            "drafts": draftHeard.count,
            "tasks that workers have": twins.runCount,
        ]
    }
}
