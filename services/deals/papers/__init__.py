"""Papers: contract, quotation, receipt and statement of account as PDF and DOCX."""

__all__ = ["by_mail", "making", "word"]
